'use strict';
// A plugin of the Serverless framework. It adds to the output of `serverless deploy` and `serverless info` what the last deployment
// found about the subscriptions of the source buckets. Otherwise only `serverless info --verbose` would show this output of the stack.
// `serverless deploy` then says what to do next.
const { join } = require('node:path');
const { loadConfiguration } = require('../lib/configuration/configuration.ts');
const { nextSteps } = require('./next-steps.ts');

module.exports = class DeploymentReport {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = { 'after:aws:info:gatherData': () => this.report() };
  }

  report() {
    // The framework's own plugin for `info` has just asked CloudFormation for the outputs.
    const { gatheredData } =
      this.serverless.pluginManager.plugins.find(({ gatheredData: data }) => data) ?? {};
    const output = gatheredData?.outputs?.find(({ OutputKey }) => OutputKey === 'Subscriptions');
    if (output) this.add('subscriptions', output.OutputValue.split('\n'));
    if (this.serverless.processedInput.commands[0] === 'deploy') this.add('next', this.nextSteps());
  }

  add(title, lines) {
    this.serverless.servicePluginOutputs.set(title, lines);
  }

  nextSteps() {
    const { stage, region } = this.serverless.processedInput.options;
    const options = { stage: stage ?? undefined, region: region ?? undefined };
    const file = join(this.serverless.serviceDir, 'replication.yml');
    return nextSteps(loadConfiguration(file, options), options);
  }
};
