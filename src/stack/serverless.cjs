'use strict';
// Provides the values for `${file(src/stack/serverless.cjs):…}` in serverless.yml. The Serverless framework loads only .js and
// .cjs files. Node itself loads the TypeScript sources that this file requires.
if (!process.features.typescript) {
  process.stderr.write(
    `\nNode.js ${process.versions.node} cannot run TypeScript.\n` +
      'On Linux (x64, arm64) run `npm ci` with optional dependencies and start the framework with `npx serverless`; ' +
      'elsewhere install Node.js 22.18 or newer.\n',
  );
  process.exit(1);
}
const { loadConfiguration } = require('../lib/configuration/configuration.ts');
const { stackOf } = require('./stack.ts');

module.exports = ({ options }) => {
  try {
    const { stage, region } = options;
    return stackOf(
      loadConfiguration('replication.yml', { stage: stage ?? undefined, region: region ?? undefined }),
    );
  } catch (error) {
    if (error.name !== 'ConfigurationError') throw error;
    // If the error were thrown again, the Serverless framework would print it, with its stack trace, for every reference to this
    // file in serverless.yml.
    process.stderr.write(`\n${error.message}\n`);
    process.exit(1);
  }
};
