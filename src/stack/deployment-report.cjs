'use strict';
// A plugin of the Serverless framework. It adds the findings of the last deployment about the subscriptions of the source buckets
// to the output of `serverless deploy` and `serverless info`. Otherwise only `serverless info --verbose` would show this output of
// the stack. `serverless deploy` also shows what to do next and, unless `stack.doctor` is false, what doctor finds.
const { join } = require('node:path');
const { loadConfiguration } = require('../lib/configuration/configuration.ts');
const { nextSteps } = require('./next-steps.ts');
const { runDoctor } = require('./run-doctor.cjs');

module.exports = class DeploymentReport {
  constructor(serverless) {
    this.serverless = serverless;
    this.hooks = { 'after:aws:info:gatherData': () => this.report() };
  }

  async report() {
    // The framework's own plugin for `info` has just asked CloudFormation for the outputs.
    const { gatheredData } =
      this.serverless.pluginManager.plugins.find(({ gatheredData: data }) => data) ?? {};
    const output = gatheredData?.outputs?.find(({ OutputKey }) => OutputKey === 'Subscriptions');
    if (output) this.add('subscriptions', output.OutputValue.split('\n'));
    if (this.serverless.processedInput.commands[0] !== 'deploy') return;
    const configuration = this.configuration();
    if (configuration.stack.doctor)
      this.add('doctor', await runDoctor(this.serverless.serviceDir, this.options()));
    this.add('next', nextSteps(configuration, this.options()));
  }

  add(title, lines) {
    this.serverless.servicePluginOutputs.set(title, lines);
  }

  /** The options by which a command finds the stack. */
  options() {
    const { stage, region, 'aws-profile': profile } = this.serverless.processedInput.options;
    return { stage: stage ?? undefined, region: region ?? undefined, profile: profile ?? undefined };
  }

  configuration() {
    const { stage, region } = this.options();
    return loadConfiguration(join(this.serverless.serviceDir, 'replication.yml'), { stage, region });
  }
};
