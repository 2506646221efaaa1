import { randomUUID } from 'node:crypto';
import { AwsError } from '../../front/aws-error.ts';
import type { QueryOutput } from '../../front/query-xml.ts';
import type { QueryInput } from '../../front/query-input.ts';
import type { AdoptedResource, Deployment } from '../deployment.ts';
import type { ResourceChange } from '../plan.ts';
import type { Stack } from '../stack.ts';
import {
  authorize,
  findStack,
  pageOf,
  required,
  stackArn,
  validationError,
  type Call,
  type ChangeSet,
  type Operation,
} from './call.ts';
import { DEPLOYMENT_FIELDS, deploymentOf, refuseRollbackOff } from './deployment-input.ts';
import { refuseUnderReview } from './stack-operations.ts';

/** The operations on change sets. Sources: the pages of these names in the CloudFormation API Reference. */
export const changeSetOperations: Record<string, Operation> = {
  CreateChangeSet: {
    known: [
      ...DEPLOYMENT_FIELDS,
      'UsePreviousTemplate',
      'ChangeSetName',
      'ChangeSetType',
      'ClientToken',
      'ResourcesToImport',
      'Description',
    ],
    run: async (call) => {
      const name = required(call.input, 'ChangeSetName');
      const stackName = required(call.input, 'StackName');
      const isCreation = call.input.text('ChangeSetType') === 'CREATE';
      const stack = isCreation ? stackToCreate(call, stackName) : stackToUpdate(call, stackName);
      const isImport = call.input.text('ChangeSetType') === 'IMPORT';
      const deployment = {
        ...(await deploymentOf(call, stack?.stackName ?? stackName, stack ?? undefined)),
        ...(isImport && { adopted: adoptedIn(call.input) }),
      };
      const changes = call.cloudformation.preview(deployment);
      // The stack is looked up again, because another request may have created it while this request read the template.
      const present = isCreation ? stackToCreate(call, stackName) : stack;
      const changed = present ?? call.cloudformation.review(deployment);
      const known = call.changeSets.get(changed.stackId) ?? [];
      if (known.some((other) => other.name === name)) {
        throw new AwsError('AlreadyExistsException', `ChangeSet ${name} already exists`);
      }
      const changeSet = newChangeSet(changed, name, deployment, changes);
      call.changeSets.set(changed.stackId, [...known, changeSet]);
      return { Id: changeSet.id, StackId: changed.stackId };
    },
  },
  DescribeChangeSet: {
    known: ['StackName', 'ChangeSetName', 'NextToken'],
    run: (call) => {
      const { stack, changeSet } = existing(call, 'DescribeChangeSet');
      const { page, next } = pageOf(call, changeSet.changes ?? []);
      return { ...describe(stack, changeSet), Changes: page.map(changeOf), NextToken: next };
    },
  },
  ExecuteChangeSet: {
    known: ['StackName', 'ChangeSetName', 'ClientRequestToken', 'DisableRollback'],
    run: (call) => {
      const { stack, changeSet } = existing(call, 'ExecuteChangeSet');
      refuseRollbackOff(call.input);
      if (changeSet.changes === null) {
        throw new AwsError(
          'InvalidChangeSetStatus',
          `ChangeSet [${changeSet.id}] cannot be executed in its current status of [FAILED]`,
        );
      }
      call.cloudformation.begin({ ...changeSet.deployment, caller: call.request.caller });
      call.changeSets.delete(stack.stackId);
      return {};
    },
  },
  DeleteChangeSet: {
    known: ['StackName', 'ChangeSetName'],
    run: (call) => {
      const { stack, name } = named(call, 'DeleteChangeSet');
      const known = call.changeSets.get(stack.stackId) ?? [];
      call.changeSets.set(
        stack.stackId,
        known.filter((other) => other.name !== name && other.id !== name),
      );
      return {};
    },
  },
  ListChangeSets: {
    known: ['StackName', 'NextToken'],
    run: (call) => {
      const name = required(call.input, 'StackName');
      const stack = findStack(call, 'ListChangeSets', name, () => `Stack [${name}] does not exist`);
      const { page, next } = pageOf(call, call.changeSets.get(stack.stackId) ?? []);
      return { Summaries: page.map((changeSet) => describe(stack, changeSet)), NextToken: next };
    },
  },
};

/** Reads which existing resources a change set imports. A single property identifies each resource. */
const adoptedIn = (input: QueryInput): Record<string, AdoptedResource> =>
  Object.fromEntries(
    input.records('ResourcesToImport').map((record) => {
      const { LogicalResourceId: logicalId = '', ResourceType: type = '' } = record;
      const { [`${IDENTIFIER}.key`]: key = '', [`${IDENTIFIER}.value`]: value = '' } = record;
      return [logicalId, { type, identifier: { [key]: value } }];
    }),
  );

const IDENTIFIER = 'ResourceIdentifier.entry.1';

/** Finds the stack that a change set creates. The stack may have change sets but no resources. Returns null if it does not exist. */
const stackToCreate = (call: Call, stackName: string): Stack | null => {
  authorize(call, 'CreateChangeSet', stackArn(call, stackName));
  const { accountId, region } = call;
  const stack = call.cloudformation.describe({ accountId, region, stackName });
  if (!stack || stack.status === 'DELETE_COMPLETE') return null;
  if (stack.status === 'REVIEW_IN_PROGRESS') return stack;
  throw validationError(
    `Stack [${stackName}] already exists and cannot be created again with the changeSet [${required(call.input, 'ChangeSetName')}].`,
  );
};

const stackToUpdate = (call: Call, stackName: string): Stack => {
  const stack = findStack(call, 'CreateChangeSet', stackName, () => `Stack [${stackName}] does not exist`);
  refuseUnderReview(stack);
  return stack;
};

const newChangeSet = (
  stack: Stack,
  name: string,
  deployment: Deployment,
  changes: ResourceChange[] | null,
): ChangeSet => {
  const { accountId, region, stackId } = stack;
  const id = `arn:aws:cloudformation:${region}:${accountId}:changeSet/${name}/${randomUUID()}`;
  return {
    id,
    name,
    stackId,
    deployment,
    changes,
    createdAtMs: stack.events.at(-1)?.atMs ?? stack.createdAtMs,
  };
};

/** Finds the stack of a change set. A request with the change set's name, instead of its id, must also have the stack's name. */
const named = (call: Call, action: string): { stack: Stack; name: string } => {
  const name = required(call.input, 'ChangeSetName');
  const ofId = [...call.changeSets.values()].flat().find(({ id }) => id === name);
  const stackName = call.input.text('StackName') ?? ofId?.stackId;
  if (stackName === undefined)
    throw validationError('StackName must be specified if ChangeSetName is not specified as an ARN.');
  const stack = findStack(call, action, stackName, () => `Stack [${stackName}] does not exist`);
  return { stack, name };
};

const existing = (call: Call, action: string): { stack: Stack; changeSet: ChangeSet } => {
  const { stack, name } = named(call, action);
  const changeSet = call.changeSets
    .get(stack.stackId)
    ?.find((other) => other.name === name || other.id === name);
  if (changeSet) return { stack, changeSet };
  throw new AwsError('ChangeSetNotFound', `ChangeSet [${name}] does not exist`, { status: 404 });
};

const describe = (stack: Stack, changeSet: ChangeSet) => ({
  ChangeSetId: changeSet.id,
  ChangeSetName: changeSet.name,
  StackId: stack.stackId,
  StackName: stack.stackName,
  CreationTime: new Date(changeSet.createdAtMs),
  Status: changeSet.changes === null ? 'FAILED' : 'CREATE_COMPLETE',
  StatusReason: changeSet.changes === null ? NO_CHANGES : undefined,
  ExecutionStatus: changeSet.changes === null ? 'UNAVAILABLE' : 'AVAILABLE',
});

const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";

const changeOf = ({ action, logicalId, type, physicalId }: ResourceChange): QueryOutput => ({
  Type: 'Resource',
  ResourceChange: {
    Action: action,
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId === '' ? undefined : physicalId,
    ResourceType: type,
    Scope: action === 'Modify' ? ['Properties'] : [],
    Details: [],
  },
});
