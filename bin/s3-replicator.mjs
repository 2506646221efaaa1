#!/usr/bin/env node
// This file is plain JavaScript, so any version of Node can start it. The program itself is TypeScript and needs a Node that strips types.
// If the Node that runs this file cannot strip types, this file starts the Node 24 that `npm ci` puts into node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

if (process.features.typescript) {
  const { runCli } = await import('../src/cli/main.ts');
  const { processIo } = await import('../src/cli/terminal/process-io.ts');
  // The exit code is set without process.exit(), which would lose output that has not been written to a pipe yet.
  process.exitCode = await runCli(process.argv.slice(2), processIo());
} else {
  const node = fileURLToPath(
    new URL(`../node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
  );
  if (existsSync(node)) startAgain(node);
  else refuse();
}

/** @param {string} node path of a Node that strips types */
function startAgain(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes. This process ignores the signal and waits until the child has cleaned up and ended.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`s3-replicator: ${node} cannot be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

function refuse() {
  console.error(
    `s3-replicator: Node.js ${process.versions.node} cannot run TypeScript.\n` +
      `fix: On Linux (x64, arm64) run \`npm ci\` with optional dependencies, which installs the right Node. ` +
      `Elsewhere install Node.js 22.18 or newer.`,
  );
  process.exitCode = 1;
}
