'use strict';
// A plugin of the Serverless framework. After a deployment it prints what the deployment found about the subscriptions of the source
// buckets. Without it, only `serverless info --verbose` would show this output of the stack.
module.exports = class DeploymentReport {
  constructor(serverless, _options, { log }) {
    this.provider = serverless.getProvider('aws');
    this.log = log;
    this.hooks = { 'after:deploy:deploy': () => this.print() };
  }

  async print() {
    const StackName = this.provider.naming.getStackName();
    const { Stacks = [] } = await this.provider.request('CloudFormation', 'describeStacks', { StackName });
    const report = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'Subscriptions');
    if (report) this.log.notice(report.OutputValue);
  }
};
