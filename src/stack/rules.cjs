'use strict';
// A plugin of the Serverless framework. It adds the rules of replication.yml as a file to the code of each function. In the repository
// serverless-esbuild has built the zips just before. In the package they are already there, so packaging needs no bundler.
// See decisions/030-a-package.md.
const { mkdir, readFile, writeFile } = require('node:fs/promises');
const { dirname, join, resolve } = require('node:path');
const { loadConfiguration } = require('../lib/configuration/configuration.ts');
const { describeWarnings } = require('../lib/configuration/problem.ts');
const { productFile } = require('../lib/configuration/package-files.ts');
const { RULES_PATH } = require('../lib/model/rules-file.ts');
const { withFile } = require('./zip.ts');

module.exports = class Rules {
  constructor(serverless) {
    this.serverless = serverless;
    this.folder = serverless.serviceDir;
    this.hooks = {
      'before:package:createDeploymentArtifacts': async () => {
        await this.addToZips();
        this.warn();
      },
      'before:deploy:function:packageFunction': () => this.addToZips(),
    };
  }

  async addToZips() {
    const { service } = this.serverless;
    // `deploy function` packages only the function that it names.
    const { function: only } = this.serverless.processedInput.options;
    const names = only ? [only] : service.getAllFunctions();
    const rules = this.rules();
    await Promise.all(names.map((name) => this.addRules(rules, name, service.getFunction(name))));
  }

  async addRules(rules, name, described) {
    const built = described.package?.artifact;
    const zip = await readFile(built ? resolve(this.folder, built) : productFile(`functions/${name}.zip`));
    const artifact = built ?? join('.serverless', `${name}.zip`);
    await mkdir(dirname(resolve(this.folder, artifact)), { recursive: true });
    await writeFile(resolve(this.folder, artifact), withFile(zip, RULES_PATH, rules));
    described.package = { artifact };
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
