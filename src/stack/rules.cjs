'use strict';
// A plugin of the Serverless framework. It adds the rules of replication.yml as a file to the code of each function. In the repository
// serverless-esbuild has built the zips just before. In the package they are already there, so packaging needs no bundler.
// See decisions/030-a-package.md.
const { existsSync } = require('node:fs');
const { mkdir, readFile, writeFile } = require('node:fs/promises');
const { dirname, join, resolve } = require('node:path');
const { loadConfiguration } = require('../lib/configuration/configuration.ts');
const { describeWarnings } = require('../lib/configuration/problem.ts');
const { productFile } = require('../lib/configuration/package-files.ts');
const { RULES_FILE } = require('../lib/model/rules-file.ts');
const { withFile } = require('./zip.ts');

/** The folder of the handlers' bundles, in each zip. */
const HANDLERS = 'src/handlers';

module.exports = class Rules {
  constructor(serverless) {
    this.serverless = serverless;
    // The framework's `invoke local` changes the current folder.
    this.folder = serverless.serviceDir;
    this.hooks = {
      'before:package:createDeploymentArtifacts': async () => {
        await this.addToZips();
        this.warn();
      },
      'before:deploy:function:packageFunction': () => this.addToZips(),
      'before:invoke:local:invoke': () => this.putBesideBundles(),
    };
  }

  async addToZips() {
    const { service } = this.serverless;
    await Promise.all(
      service.getAllFunctions().map((name) => this.addToZip(name, service.getFunction(name))),
    );
  }

  async addToZip(name, described) {
    const built = described.package?.artifact;
    const zip = await readFile(built ? resolve(this.folder, built) : productFile(`functions/${name}.zip`));
    const artifact = built ?? join('.serverless', `${name}.zip`);
    await mkdir(dirname(resolve(this.folder, artifact)), { recursive: true });
    await writeFile(resolve(this.folder, artifact), withFile(zip, `${HANDLERS}/${RULES_FILE}`, this.rules()));
    described.package = { artifact };
  }

  /** serverless-esbuild runs a function locally from the folder of its bundles, not from a zip. */
  async putBesideBundles() {
    const bundles = join(this.folder, '.esbuild', '.build', HANDLERS);
    if (existsSync(bundles)) await writeFile(join(bundles, RULES_FILE), this.rules());
  }

  rules() {
    return JSON.stringify(this.configuration().replication);
  }

  /** A configuration with problems does not come this far: serverless.cjs refuses it. */
  warn() {
    const text = describeWarnings('replication.yml', this.configuration().warnings);
    if (text !== '') process.stderr.write(`\n${text}`);
  }

  configuration() {
    const { stage, region } = this.serverless.processedInput.options;
    const options = { stage: stage ?? undefined, region: region ?? undefined };
    return loadConfiguration(join(this.folder, 'replication.yml'), options);
  }
};
