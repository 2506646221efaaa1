/**
 * The least IAM policies of people who operate a stack from the command line. `command-rows.ts` lists the permissions that these
 * people need.
 */
import { partitionOfRegion } from '../lib/configuration/aws-syntax.ts';
import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import { ARRIVALS_ID, CIRCUITS_ID, STAMP_KEY_ID } from '../lib/model/rule.ts';
import type { Statement } from './cloudformation.ts';
import type { Needs, Place } from './command-rows.ts';

export interface IdentityPolicy {
  Version: '2012-10-17';
  Statement: Statement[];
}

/** Returns the policy that allows all of this, for the stack of this configuration in this account. */
export const policyOfNeeds = (
  all: readonly Needs[],
  configuration: Configuration,
  account: string,
): IdentityPolicy => {
  const actions = new Map<Place, Set<string>>();
  for (const needs of all)
    for (const [place, more] of placesIn(needs))
      actions.set(place, new Set([...(actions.get(place) ?? []), ...more]));
  const where = placesOf(configuration, account);
  return {
    Version: '2012-10-17',
    Statement: [
      ...[...actions].flatMap(([place, allowed]) => {
        const there = where[place];
        if (there === null) return [];
        return [{ Sid: sidOf(place), Effect: 'Allow' as const, Action: [...allowed].toSorted(), ...there }];
      }),
      ...useKey(configuration, new Set([...actions.values()].flatMap((some) => [...some]))),
    ],
  };
};

/**
 * DynamoDB, SQS and Lambda use the key of the stack with the permissions of whoever reads items, messages and environment variables.
 * https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 */
const useKey = ({ stack, deployment }: Configuration, actions: ReadonlySet<string>): Statement[] => {
  const services = ['dynamodb', 'lambda', 'sqs'].filter((service) =>
    [...actions].some((action) => action.startsWith(`${service}:`)),
  );
  if (stack.kmsKeyArn === null || services.length === 0) return [];
  const domain = partitionOfRegion(deployment.region) === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const writes = [...actions].some((action) => /^dynamodb:(Delete|Put|Update)Item$/.test(action));
  return [
    {
      Sid: 'StackKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', ...(writes ? ['kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'] : [])],
      Resource: stack.kmsKeyArn,
      Condition: {
        StringEquals: {
          'kms:ViaService': services.map((service) => `${service}.${deployment.region}.${domain}`),
        },
      },
    },
  ];
};

const placesIn = (needs: Needs): [Place, readonly string[]][] =>
  PLACES.flatMap((place): [Place, readonly string[]][] => {
    const actions = needs[place];
    return actions === undefined ? [] : [[place, actions]];
  });

const PLACES: readonly Place[] = [
  'stack',
  'all functions',
  'mappings',
  'all queues',
  'all roles',
  'all policies',
  'all topics',
  'event rules',
  'runs',
  'transfers',
  'circuits',
  'arrivals',
  'stamp key',
  'dead letters',
  'live queue',
  'logs',
  'waiting queues',
  'replicate function',
  'replicate mappings',
  'backfill function',
  'inspect function',
  'sources',
  'report bucket',
  'account',
];

const sidOf = (place: string): string =>
  place.replaceAll(/(?:^| )(\w)/g, (_, letter: string) => letter.toUpperCase());

type Where = Pick<Statement, 'Resource' | 'Condition'>;

const placesOf = (configuration: Configuration, account: string): Record<Place, Where | null> => {
  const { deployment, replication } = configuration;
  const { report } = configuration.backfill;
  const names = resourceNames(deployment);
  const arns = arnsIn(deployment.region, account);
  const item = (id: string): Where => ({
    Resource: arns.table(names.table),
    Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [id] } },
  });
  const buckets = [...new Set(replication.rules.map(({ source }) => source.bucket))];
  return {
    ...wholeStack(configuration, arns),
    runs: { Resource: arns.table(names.runsTable) },
    transfers: { Resource: arns.table(names.transfersTable) },
    circuits: item(CIRCUITS_ID),
    arrivals: {
      Resource: arns.table(names.table),
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${ARRIVALS_ID}*`] } },
    },
    'stamp key': item(STAMP_KEY_ID),
    'dead letters': { Resource: arns.queue(names.deadLetterQueue) },
    'live queue': { Resource: arns.queue(names.liveQueue) },
    logs: { Resource: arns.regional('logs', `log-group:/aws/lambda/${names.stack}-*`) },
    'waiting queues': { Resource: arns.queue(`${names.waitingQueues}*`) },
    'replicate function': { Resource: arns.function(names.replicateFunction) },
    'replicate mappings': {
      Resource: arns.regional('lambda', 'event-source-mapping:*'),
      Condition: { ArnEquals: { 'lambda:FunctionArn': arns.function(names.replicateFunction) } },
    },
    'backfill function': { Resource: arns.function(names.backfillFunction) },
    'inspect function': { Resource: arns.function(names.inspectFunction) },
    sources: { Resource: buckets.map(arns.bucket) },
    'report bucket': report === null ? null : { Resource: arns.bucket(report.bucket) },
  };
};

/** All resources of a kind whose names begin with the given text. */
const wholeStack = ({ deployment, stack }: Configuration, arns: Arns) => {
  const all = `${resourceNames(deployment).stack}-*`;
  return {
    stack: { Resource: arns.regional('cloudformation', `stack/${resourceNames(deployment).stack}/*`) },
    'all functions': { Resource: arns.function(all) },
    mappings: { Resource: arns.regional('lambda', 'event-source-mapping:*') },
    'all queues': { Resource: arns.queue(all) },
    'all topics': { Resource: arns.regional('sns', all) },
    'all roles': { Resource: arns.role(`${stack.rolePath}${all}`) },
    'all policies': { Resource: arns.policy(`${stack.rolePath}${all}`) },
    'event rules': { Resource: arns.regional('events', `rule/${all}`) },
    account: { Resource: '*' },
  };
};

type Arns = ReturnType<typeof arnsIn>;

const arnsIn = (region: string, account: string) => {
  const partition = partitionOfRegion(region);
  const regional = (service: string, name: string): string =>
    `arn:${partition}:${service}:${region}:${account}:${name}`;
  return {
    regional,
    table: (name: string) => regional('dynamodb', `table/${name}`),
    queue: (name: string) => regional('sqs', name),
    function: (name: string) => regional('lambda', `function:${name}`),
    bucket: (name: string) => `arn:${partition}:s3:::${name}`,
    role: (pathAndName: string) => `arn:${partition}:iam::${account}:role${pathAndName}`,
    policy: (pathAndName: string) => `arn:${partition}:iam::${account}:policy${pathAndName}`,
  };
};
