'use strict';
// A plugin of the Serverless framework. It manages the resources that outlive the stack: the tables of receipts, runs and
// transfers, and the dead-letter queue. CloudFormation keeps them when the stack is removed (`RetainExceptOnCreate`). A plain
// deployment cannot import them again. It also cannot protect the tables without blocking the rollback of their creation. See
// decisions/029-what-outlives-the-stack.md.
const { setTimeout: sleep } = require('node:timers/promises');
const CloudFormation = require('@aws-sdk/client-cloudformation');
const DynamoDb = require('@aws-sdk/client-dynamodb');
const Sqs = require('@aws-sdk/client-sqs');

/** How often CloudFormation is asked for progress, in milliseconds. The framework has the same variable. */
const PAUSE_MS = Number(process.env.SLS_AWS_MONITORING_FREQUENCY ?? 2_000);

module.exports = class Evidence {
  constructor(serverless, options, { log }) {
    this.serverless = serverless;
    this.options = options;
    this.log = log;
    this.aws = serverless.getProvider('aws');
    this.hooks = {
      'before:aws:deploy:deploy:updateStack': () => this.takeUp(),
      'after:deploy:deploy': () => this.protectTables(),
      'before:remove:remove': () => this.askBeforeRemoval(),
      'after:remove:remove': () => this.tellWhatIsLeft(),
    };
  }

  /** Imports the resources that a removed stack has left. They cannot be created again, because their names are taken. */
  async takeUp() {
    const known = new Set((await this.stackResources()).map(({ LogicalResourceId: id }) => id));
    const missing = this.retained().filter(([id]) => !known.has(id));
    const left = (await Promise.all(missing.map((resource) => this.identify(resource)))).flat();
    if (left.length === 0) return;
    const { TemplateBody: text } = await this.cloudFormation('GetTemplate', {});
    const template = JSON.parse(text);
    for (const { LogicalResourceId: id } of left) template.Resources[id] = this.resources()[id];
    const ChangeSetName = `take-up-${Date.now()}`;
    await this.cloudFormation('CreateChangeSet', {
      ChangeSetName,
      ChangeSetType: 'IMPORT',
      ResourcesToImport: left,
      TemplateBody: JSON.stringify(template),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    });
    await this.untilDone('CREATE_COMPLETE', async () => {
      const { Status, StatusReason } = await this.cloudFormation('DescribeChangeSet', { ChangeSetName });
      return [Status, StatusReason];
    });
    await this.cloudFormation('ExecuteChangeSet', { ChangeSetName });
    await this.untilDone('IMPORT_COMPLETE', async () => {
      const { Stacks: [stack] = [] } = await this.cloudFormation('DescribeStacks', {});
      return [stack?.StackStatus, stack?.StackStatusReason];
    });
    this.log.notice(`Taken up from the stack that was removed: ${left.map(nameIn).join(', ')}`);
  }

  /**
   * Tables are protected only after a deployment has succeeded. If they were protected earlier, CloudFormation could not delete
   * them in a rollback.
   */
  async protectTables() {
    const client = new DynamoDb.DynamoDBClient(await this.aws.getAwsSdkV3Config());
    for (const [, { Properties }] of this.retained()) {
      const { TableName } = Properties;
      if (TableName === undefined) continue;
      const { Table: table } = await client.send(new DynamoDb.DescribeTableCommand({ TableName }));
      if (table?.DeletionProtectionEnabled === true) continue;
      await client.send(new DynamoDb.UpdateTableCommand({ TableName, DeletionProtectionEnabled: true }));
    }
  }

  async askBeforeRemoval() {
    if ([this.options.param ?? []].flat().includes('waiting=leave')) return;
    const waiting = await this.waitingMessages();
    if (waiting.length === 0) return;
    const kept = new Set(this.retained().map(([id]) => id));
    const lines = waiting.map(
      ({ id, name, count }) =>
        `  ${count} in ${name}, ${kept.has(id) ? 'which is kept: they stay there until SQS deletes them' : 'which is deleted with the stack'}`,
    );
    throw new this.serverless.classes.Error(
      `Messages wait in the queues of this stack:\n${lines.join('\n')}\n` +
        'Nothing was removed. See `npx s3-replicator dlq list`, or remove the stack all the same with\n' +
        '  npx serverless remove --param="waiting=leave"',
    );
  }

  async waitingMessages() {
    const client = new Sqs.SQSClient(await this.aws.getAwsSdkV3Config());
    const queues = (await this.stackResources()).filter(
      ({ ResourceType }) => ResourceType === 'AWS::SQS::Queue',
    );
    const counted = queues.map(async ({ LogicalResourceId: id, PhysicalResourceId: QueueUrl }) => {
      const command = new Sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: COUNTS });
      // Nothing waits in a queue that somebody deleted. Such a stack is removed so that a deployment can create it again.
      const { Attributes: counts = {} } = await client.send(command).catch((error) => {
        if (ABSENT.includes(error.name)) return {};
        throw error;
      });
      const count = COUNTS.reduce((sum, name) => sum + Number(counts[name] ?? 0), 0);
      return { id, name: QueueUrl.split('/').at(-1), count };
    });
    return (await Promise.all(counted)).filter(({ count }) => count > 0);
  }

  tellWhatIsLeft() {
    const region = `--region ${this.aws.getRegion()}`;
    const commands = this.retained().flatMap(([, { Properties }]) =>
      Properties.TableName === undefined
        ? [
            `aws sqs delete-queue ${region} --queue-url "$(aws sqs get-queue-url ${region} --queue-name ${Properties.QueueName} --query QueueUrl --output text)"`,
          ]
        : [
            `aws dynamodb update-table ${region} --table-name ${Properties.TableName} --no-deletion-protection-enabled`,
            `aws dynamodb delete-table ${region} --table-name ${Properties.TableName}`,
          ],
    );
    this.log.notice(
      `The receipts, runs, transfers and dead letters are kept. Deploying again takes them up. To delete them:\n${commands.map((line) => `  ${line}\n`).join('')}`,
    );
  }

  resources() {
    return this.serverless.service.resources.Resources;
  }

  retained() {
    return Object.entries(this.resources()).filter(
      ([, { DeletionPolicy: policy }]) => policy === 'RetainExceptOnCreate',
    );
  }

  /** Returns a list with the resource as an import identifies it. The list is empty if no such resource exists. */
  async identify([LogicalResourceId, { Type: ResourceType, Properties }]) {
    const config = await this.aws.getAwsSdkV3Config();
    const { TableName, QueueName } = Properties;
    try {
      if (TableName !== undefined) {
        await new DynamoDb.DynamoDBClient(config).send(new DynamoDb.DescribeTableCommand({ TableName }));
        return [{ LogicalResourceId, ResourceType, ResourceIdentifier: { TableName } }];
      }
      const { QueueUrl } = await new Sqs.SQSClient(config).send(new Sqs.GetQueueUrlCommand({ QueueName }));
      return [{ LogicalResourceId, ResourceType, ResourceIdentifier: { QueueUrl } }];
    } catch (error) {
      if (ABSENT.includes(error.name)) return [];
      throw error;
    }
  }

  /** Returns nothing if there is no stack. */
  async stackResources() {
    const found = [];
    let NextToken;
    do {
      const page = await this.cloudFormation('ListStackResources', { NextToken }).catch((error) => {
        if (!/does not exist/.test(error.message)) throw error;
        return {};
      });
      found.push(...(page.StackResourceSummaries ?? []));
      ({ NextToken } = page);
    } while (NextToken !== undefined);
    return found.filter(({ ResourceStatus: status }) => status !== 'DELETE_COMPLETE');
  }

  async cloudFormation(operation, input) {
    const client = new CloudFormation.CloudFormationClient(await this.aws.getAwsSdkV3Config());
    const StackName = this.aws.naming.getStackName();
    return await client.send(new CloudFormation[`${operation}Command`]({ StackName, ...input }));
  }

  /** Repeats `ask` until the status shows no more progress. Throws if the final status is not the wanted one. */
  async untilDone(wanted, ask) {
    for (;;) {
      const [status, reason] = await ask();
      if (status === wanted) return;
      if (!/IN_PROGRESS|PENDING/.test(String(status)))
        throw new this.serverless.classes.Error(
          `What a removed stack has left cannot be taken up: ${status}, ${reason}`,
        );
      await sleep(PAUSE_MS);
    }
  }
};

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

const ABSENT = ['ResourceNotFoundException', 'QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'];

const nameIn = ({ ResourceIdentifier }) => Object.values(ResourceIdentifier)[0].split('/').at(-1);
