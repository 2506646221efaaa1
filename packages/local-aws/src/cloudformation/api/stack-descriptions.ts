import type { QueryOutput } from '../../front/query-xml.ts';
import { orderResources } from '../resource-order.ts';
import { isKnownName } from '../plan.ts';
import type { Stack, StackEvent, StackResource } from '../stack.ts';
import { parseTemplate, type Template } from '../template.ts';
import {
  authorize,
  findStack,
  pageOf,
  required,
  validationError,
  type Call,
  type Operation,
} from './call.ts';
import { capabilitiesOf, templateTextOf } from './template-source.ts';

/** The operations that only read. Sources: the pages of these names in the CloudFormation API Reference. */
export const stackDescriptions: Record<string, Operation> = {
  DescribeStacks: {
    known: ['StackName', 'NextToken'],
    run: (call) => {
      const name = call.input.text('StackName');
      if (name !== undefined) {
        return { Stacks: [stackOf(found(call, 'DescribeStacks'))] };
      }
      authorize(call, 'DescribeStacks', '*');
      const { page, next } = pageOf(call, ownStacks(call).filter(isThere));
      return { Stacks: page.map(stackOf), NextToken: next };
    },
  },
  ListStacks: {
    known: ['StackStatusFilter', 'NextToken'],
    run: (call) => {
      authorize(call, 'ListStacks', '*');
      const wanted = call.input.list('StackStatusFilter');
      const stacks = ownStacks(call).filter(({ status }) => wanted.length === 0 || wanted.includes(status));
      const { page, next } = pageOf(call, stacks);
      return { StackSummaries: page.map(summaryOf), NextToken: next };
    },
  },
  DescribeStackEvents: {
    known: ['StackName', 'NextToken'],
    run: (call) => {
      const name = required(call.input, 'StackName');
      const stack = findStack(call, 'DescribeStackEvents', name, () => `Stack [${name}] does not exist`);
      return eventsOf(call, stack);
    },
  },
  DescribeStackResource: {
    known: ['StackName', 'LogicalResourceId'],
    run: (call) => {
      const name = required(call.input, 'StackName');
      const stack = findStack(call, 'DescribeStackResource', name, () => `Stack '${name}' does not exist`);
      const logicalId = required(call.input, 'LogicalResourceId');
      const resource = stack.resources.get(logicalId);
      if (!resource) {
        throw validationError(`Resource ${logicalId} does not exist for stack ${stack.stackName}`);
      }
      const { LastUpdatedTimestamp, ...detail } = resourceOf(stack, resource);
      const metadata = resource.definition.Metadata;
      return {
        StackResourceDetail: {
          StackName: stack.stackName,
          StackId: stack.stackId,
          ...detail,
          LastUpdatedTimestamp,
          Metadata: metadata === undefined ? undefined : JSON.stringify(metadata),
        },
      };
    },
  },
  DescribeStackResources: {
    known: ['StackName', 'LogicalResourceId'],
    run: (call) => {
      const stack = found(call, 'DescribeStackResources');
      const wanted = call.input.text('LogicalResourceId');
      const resources = [...stack.resources.values()].filter(
        ({ logicalId }) => wanted === undefined || logicalId === wanted,
      );
      return {
        StackResources: resources.slice(0, 100).map((resource) => {
          const { LastUpdatedTimestamp: Timestamp, ...rest } = resourceOf(stack, resource);
          return { StackName: stack.stackName, StackId: stack.stackId, ...rest, Timestamp };
        }),
      };
    },
  },
  ListStackResources: {
    known: ['StackName', 'NextToken'],
    run: (call) => {
      const stack = found(call, 'ListStackResources');
      const { page, next } = pageOf(call, [...stack.resources.values()]);
      return {
        StackResourceSummaries: page.map((resource) => resourceOf(stack, resource)),
        NextToken: next,
      };
    },
  },
  GetTemplate: {
    known: ['StackName', 'TemplateStage'],
    run: (call) => ({
      TemplateBody: found(call, 'GetTemplate').templateText,
      StagesAvailable: ['Original', 'Processed'],
    }),
  },
  ListExports: {
    known: ['NextToken'],
    run: (call) => {
      authorize(call, 'ListExports', '*');
      const exports = ownStacks(call).flatMap((stack) =>
        Object.entries(stack.exports).map(([Name, Value]) => ({
          ExportingStackId: stack.stackId,
          Name,
          Value,
        })),
      );
      const { page, next } = pageOf(call, exports);
      return { Exports: page, NextToken: next };
    },
  },
  ValidateTemplate: {
    known: ['TemplateBody', 'TemplateURL'],
    run: async (call) => {
      authorize(call, 'ValidateTemplate', '*');
      return validated(parseTemplate(await templateTextOf(call)));
    },
  },
};

const found = (call: Call, action: string): Stack =>
  findStack(
    call,
    action,
    required(call.input, 'StackName'),
    (name) => `Stack with id ${name} does not exist`,
  );

const ownStacks = ({ cloudformation, accountId, region }: Call): Stack[] =>
  cloudformation.stacks().filter((stack) => stack.accountId === accountId && stack.region === region);

const isThere = ({ status }: Stack): boolean => status !== 'DELETE_COMPLETE';

const dateOf = (atMs: number | null): Date | undefined => (atMs === null ? undefined : new Date(atMs));

const summaryOf = (stack: Stack) => ({
  StackId: stack.stackId,
  StackName: stack.stackName,
  TemplateDescription: stack.template.Description,
  CreationTime: dateOf(stack.createdAtMs),
  LastUpdatedTime: dateOf(stack.updatedAtMs),
  DeletionTime: dateOf(stack.deletedAtMs),
  StackStatus: stack.status,
  StackStatusReason: stack.statusReason,
  DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
});

const stackOf = (stack: Stack): QueryOutput => {
  const { TemplateDescription: Description, ...summary } = summaryOf(stack);
  const exportOf = (value: string): string | undefined =>
    Object.entries(stack.exports).find(([, exported]) => exported === value)?.[0];
  return {
    ...summary,
    Description,
    DisableRollback: false,
    EnableTerminationProtection: stack.isProtected,
    Capabilities: stack.capabilities,
    NotificationARNs: [],
    RollbackConfiguration: {},
    Parameters: Object.entries(stack.parameters).map(([key, value]) => ({
      ParameterKey: key,
      ParameterValue: stack.template.Parameters[key]?.NoEcho ? '****' : [value].flat().join(','),
    })),
    Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
    Outputs: Object.entries(stack.outputs).map(([key, value]) => {
      const { Description: description, Export: exported } = stack.template.Outputs[key] ?? {};
      return {
        OutputKey: key,
        OutputValue: value,
        Description: typeof description === 'string' ? description : undefined,
        ExportName: exported === undefined ? undefined : exportOf(value),
      };
    }),
  };
};

/** A page of the stack's events, newest first. The token counts from the oldest event, so that new events do not shift the pages. */
const eventsOf = (call: Call, stack: Stack): QueryOutput => {
  const token = call.input.text('NextToken');
  const before = token === undefined ? stack.events.length : Number(token);
  const from = Math.max(0, before - 100);
  return {
    StackEvents: stack.events
      .slice(from, before)
      .toReversed()
      .map((event) => eventOf(stack, event)),
    NextToken: from > 0 ? String(from) : undefined,
  };
};

const eventOf = (stack: Stack, event: StackEvent): QueryOutput => ({
  StackId: stack.stackId,
  EventId: event.eventId,
  StackName: stack.stackName,
  LogicalResourceId: event.logicalId,
  PhysicalResourceId: event.physicalId,
  ResourceType: event.type,
  Timestamp: dateOf(event.atMs),
  ResourceStatus: event.status,
  ResourceStatusReason: event.reason,
});

/** The description of a resource. Its status is the status of its last event. */
const resourceOf = (stack: Stack, { logicalId, physicalId, type }: StackResource) => {
  const last = stack.events.findLast((event) => event.logicalId === logicalId && event.type === type);
  return {
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId,
    ResourceType: type,
    LastUpdatedTimestamp: dateOf(last?.atMs ?? stack.createdAtMs),
    ResourceStatus: last?.status ?? 'CREATE_COMPLETE',
    ResourceStatusReason: last?.reason,
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  };
};

const validated = (template: Template): QueryOutput => {
  orderResources(template.Resources, () => true, isKnownName(template), 'as-written');
  const capabilities = capabilitiesOf(template);
  const iam = Object.values(template.Resources).filter(({ Type: type }) => type.startsWith('AWS::IAM::'));
  return {
    Description: template.Description,
    Parameters: Object.entries(template.Parameters).map(([key, parameter]) => ({
      ParameterKey: key,
      DefaultValue: parameter.Default,
      NoEcho: Boolean(parameter.NoEcho),
      Description: parameter.Description,
    })),
    Capabilities: capabilities,
    CapabilitiesReason:
      capabilities.length === 0
        ? undefined
        : `The following resource(s) require capabilities: [${[...new Set(iam.map(({ Type: type }) => type))].join(', ')}]`,
  };
};
