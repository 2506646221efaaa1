/** Functions, mappings and event rules that somebody switches off. */
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  DeleteFunctionConcurrencyCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  PutFunctionRecursionConfigCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { clientConfig } from '@s3-replicator/local-aws';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { REGION, type Stage } from '../stages/stage.ts';
import type { Mutant } from './mutant.ts';

const configOf = ({ aws }: Stage) => clientConfig(aws, aws.root(SOURCE_ACCOUNT), { region: REGION });

export const functionMutants = (stage: Stage): Mutant[] => {
  const lambda = new LambdaClient(configOf(stage));
  const { names } = stage;
  const functions = [
    names.replicateFunction,
    names.transferFunction,
    names.backfillFunction,
    names.subscribeFunction,
  ];
  const reserve = (FunctionName: string, cause: string, ReservedConcurrentExecutions: number): Mutant => ({
    name: `${FunctionName} reserved concurrency ${ReservedConcurrentExecutions}`,
    place: `${FunctionName} concurrency`,
    causes: [cause],
    apply: async () => {
      await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
      return () => lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }));
    },
  });
  const recursion = (FunctionName: string, RecursiveLoop: 'Allow' | 'Terminate') =>
    lambda.send(new PutFunctionRecursionConfigCommand({ FunctionName, RecursiveLoop }));
  return [
    ...functions.map((name) => reserve(name, 'function-off', 0)),
    reserve(names.replicateFunction, 'function-reserved', 1),
    ...functions.slice(0, 3).map((name) => ({
      name: `${name} RecursiveLoop`,
      place: `${name} loop`,
      causes: ['recursion-stopped'],
      apply: async () => {
        await recursion(name, 'Terminate');
        return () => recursion(name, 'Allow');
      },
    })),
    ...mappingMutants(stage, lambda),
    ...ruleMutants(stage),
  ];
};

const mappingMutants = ({ aws }: Stage, lambda: LambdaClient): Mutant[] =>
  aws.lambda.eventSources.list().flatMap(({ uuid, configuration }) => {
    const change = (input: object) =>
      lambda.send(new UpdateEventSourceMappingCommand({ UUID: uuid, ...input }));
    const queue = configuration.queueArn.split(':').at(-1);
    return [
      {
        name: `mapping of ${queue} disabled`,
        place: `mapping of ${queue}`,
        causes: ['mapping-off'],
        apply: async () => {
          await change({ Enabled: false });
          return () => change({ Enabled: true });
        },
      },
      {
        name: `mapping of ${queue} without ReportBatchItemFailures`,
        place: `mapping of ${queue}`,
        causes: ['mapping-changed'],
        apply: async () => {
          await change({ FunctionResponseTypes: [] });
          return () => change({ FunctionResponseTypes: ['ReportBatchItemFailures'] });
        },
      },
    ];
  });

const ruleMutants = (stage: Stage): Mutant[] => {
  const events = new EventBridgeClient(configOf(stage));
  const rules = stage.aws.cloudformation
    .describe({ accountId: SOURCE_ACCOUNT, region: REGION, stackName: stage.names.stack })
    ?.resources.values();
  const ruleNames = [...(rules ?? [])]
    .filter(({ type }) => type === 'AWS::Events::Rule')
    .map(({ physicalId }) => physicalId);
  return ruleNames.map((Name) => ({
    name: `event rule ${Name.replace(/-[^-]*$/, '')} disabled`,
    place: Name,
    causes: ['event-rule-off'],
    apply: async () => {
      await events.send(new DisableRuleCommand({ Name }));
      return () => events.send(new EnableRuleCommand({ Name }));
    },
  }));
};
