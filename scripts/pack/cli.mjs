#!/usr/bin/env node
/** The entry of the packed command line. In the repository `bin/s3-replicator.mjs` starts the sources. */
import { completeNode } from './old-node.cjs';

completeNode();
// Imported here, because a static import would run before the missing functions of Node are defined.
const { runCli } = await import('../../src/cli/main.ts');
const { processIo } = await import('../../src/cli/terminal/process-io.ts');
// The exit code is set without process.exit(), which would lose output that has not been written to a pipe yet.
process.exitCode = await runCli(process.argv.slice(2), processIo());
