'use strict';
// A plugin of the Serverless framework. It adds to the output of `serverless deploy` and `serverless info` what the last deployment
// found about the subscriptions of the source buckets. Otherwise only `serverless info --verbose` would show this output of the stack.
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
    if (output) this.serverless.servicePluginOutputs.set('subscriptions', output.OutputValue.split('\n'));
  }
};
