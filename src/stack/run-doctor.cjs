'use strict';
// Runs `s3-replicator doctor` in a process of its own at the end of a deployment. If doctor fails, the deployment does not fail.
const { spawn } = require('node:child_process');
const { dirname, join } = require('node:path');
const { readFileSync } = require('node:fs');
const { productFile } = require('../lib/configuration/package-files.ts');

/** How long doctor may take before it is killed. Doctor cannot delay a deployment any longer than this. */
const LIMIT_MS = 20_000;

/** Resolves to the lines of the report, or to the reason why there is no report. Never rejects. */
module.exports.runDoctor = (folder, options, limitMs = LIMIT_MS) =>
  new Promise((resolve) => {
    const lines = [];
    const argv = [program(), 'doctor', '--config', join(folder, 'replication.yml'), ...optionsOf(options)];
    const env = { ...process.env, COLUMNS: '76', NO_COLOR: '1' };
    const child = spawn(process.execPath, argv, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => lines.push(text));
    child.on('error', (error) => resolve([`doctor could not be started: ${error.message}`]));
    child.on('close', (_code, signal) =>
      resolve(
        signal === null
          ? lines.join('').trimEnd().split('\n')
          : [`doctor took longer than ${limitMs / 1_000} s and was ended: npx s3-replicator doctor`],
      ),
    );
  });

const program = () => {
  const manifest = productFile('package.json');
  return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin['s3-replicator']);
};

const optionsOf = ({ stage, region, profile }) =>
  Object.entries({ stage, region, profile }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
