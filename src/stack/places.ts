/** The resources that the policies of people name, each as the `Resource` and the `Condition` of a statement. */
import { partitionOfRegion } from '../lib/configuration/aws-syntax.ts';
import type { Configuration } from '../lib/configuration/configuration.ts';
import { resourceNames } from '../lib/configuration/resource-names.ts';
import { ARRIVALS_ID, CIRCUITS_ID, STAMP_KEY_ID } from '../lib/model/rule.ts';
import type { Statement } from './cloudformation.ts';
import type { Place } from './command-rows.ts';

export type Where = Pick<Statement, 'Resource' | 'Condition'>;

/** Returns the places of the stack of this configuration. A place that the stack does not have is null. */
export const placesOf = (configuration: Configuration, account: string): Record<Place, Where | null> => {
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
    ...deployedPlaces(configuration, arns),
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
    account: { Resource: '*' },
  };
};

/** All resources of a kind whose names begin with the given text. */
const wholeStack = ({ deployment, stack }: Configuration, arns: Arns) => {
  const { stack: name } = resourceNames(deployment);
  const all = `${name}-*`;
  return {
    stack: { Resource: arns.regional('cloudformation', `stack/${name}/*`) },
    'all functions': { Resource: arns.function(all) },
    mappings: { Resource: arns.regional('lambda', 'event-source-mapping:*') },
    'all queues': { Resource: arns.queue(all) },
    'all roles': { Resource: arns.role(`${stack.rolePath}${all}`) },
    'all policies': { Resource: arns.policy(`${stack.rolePath}${all}`) },
    'all topics': { Resource: arns.regional('sns', all) },
    'event rules': { Resource: arns.regional('events', `rule/${generated(name)}`) },
  };
};

/** The places that only deployers use. */
const deployedPlaces = ({ deployment, stack }: Configuration, arns: Arns) => {
  const { stack: name } = resourceNames(deployment);
  const all = `${name}-*`;
  const ofFunctions = { ArnLike: { 'lambda:FunctionArn': arns.function(all) } };
  const roles = arns.role(`${stack.rolePath}${all}`);
  const bounded =
    stack.permissionsBoundary === null
      ? {}
      : { StringEquals: { 'iam:PermissionsBoundary': stack.permissionsBoundary } };
  const bucket = arns.bucket(
    stack.deploymentBucket ?? generated(name.toLowerCase(), 'serverlessdeploymentbucket-'),
  );
  return {
    'all alarms': { Resource: arns.regional('cloudwatch', `alarm:${all}`) },
    dashboard: { Resource: arns.dashboard(all) },
    'all tables': { Resource: arns.table(all) },
    'new mappings': { Resource: '*', Condition: ofFunctions },
    'own mappings': { Resource: arns.regional('lambda', 'event-source-mapping:*'), Condition: ofFunctions },
    'bounded roles': { Resource: roles, ...(stack.permissionsBoundary !== null && { Condition: bounded }) },
    'attached policies': {
      Resource: roles,
      Condition: { ...bounded, ArnLike: { 'iam:PolicyARN': arns.policy(`${stack.rolePath}${all}`) } },
    },
    'passed roles': {
      Resource: roles,
      Condition: { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } },
    },
    'stack bucket': stack.deploymentBucket === null ? { Resource: bucket } : null,
    'code bucket': { Resource: bucket },
    code: { Resource: `${bucket}/serverless/${deployment.name}/${deployment.stage}/*` },
    key:
      stack.kmsKeyArn === null
        ? null
        : { Resource: stack.kmsKeyArn, Condition: through(['dynamodb', 'lambda'], deployment.region) },
  };
};

/**
 * The pattern of a name that CloudFormation makes from the names of the stack and the resource. If both are long, CloudFormation
 * shortens them. AWS does not document how, but the first `KEPT_LENGTH` characters of the stack's name stay.
 */
const generated = (stackName: string, resource = ''): string =>
  stackName.length <= KEPT_LENGTH ? `${stackName}-${resource}*` : `${stackName.slice(0, KEPT_LENGTH)}*`;

const KEPT_LENGTH = 24;

/** The condition for a key that is used through these services. */
export const through = (services: readonly string[], region: string): NonNullable<Statement['Condition']> => {
  const domain = partitionOfRegion(region) === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  return { StringEquals: { 'kms:ViaService': services.map((service) => `${service}.${region}.${domain}`) } };
};

type Arns = ReturnType<typeof arnsIn>;

/** The ARNs of resources in one account and region. */
export const arnsIn = (region: string, account: string) => {
  const partition = partitionOfRegion(region);
  const regional = (service: string, name: string): string =>
    `arn:${partition}:${service}:${region}:${account}:${name}`;
  return {
    regional,
    table: (name: string) => regional('dynamodb', `table/${name}`),
    queue: (name: string) => regional('sqs', name),
    function: (name: string) => regional('lambda', `function:${name}`),
    dashboard: (name: string) => `arn:${partition}:cloudwatch::${account}:dashboard/${name}`,
    bucket: (name: string) => `arn:${partition}:s3:::${name}`,
    role: (pathAndName: string) => `arn:${partition}:iam::${account}:role${pathAndName}`,
    policy: (pathAndName: string) => `arn:${partition}:iam::${account}:policy${pathAndName}`,
  };
};
