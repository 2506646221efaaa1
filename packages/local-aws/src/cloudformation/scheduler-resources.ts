import { z } from 'zod';
import type { CreatedResource } from '../core/resource-provider.ts';
import type { ScheduleDefinition, Scheduler } from '../scheduler/scheduler.ts';
import type { Provider, ResourceContext } from './provider.ts';
import { defineResourceType, inert } from './resource-type.ts';

/** The time window of a schedule. A flexible window has no effect, because the local scheduler always invokes at its start. */
const window = z.strictObject({ Mode: z.enum(['OFF', 'FLEXIBLE']), MaximumWindowInMinutes: inert });

const scheduleProperties = z.strictObject({
  Name: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional(),
  GroupName: z.literal('default').optional(),
  Description: inert,
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.literal('UTC').optional(),
  StartDate: z.iso.datetime().optional(),
  EndDate: z.iso.datetime().optional(),
  State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  FlexibleTimeWindow: window,
  Target: z.strictObject({
    Arn: z.string().regex(/^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+$/),
    RoleArn: z.string(),
    Input: z.string().optional(),
    /** Ignored, because the local scheduler does not retry: an invocation that fails here would fail again. */
    RetryPolicy: inert,
  }),
});

/** The type AWS::Scheduler::Schedule, with functions as targets. `Ref` returns the schedule's name. */
export const schedulerProviders = (scheduler: Scheduler): Record<string, Provider> => ({
  'AWS::Scheduler::Schedule': defineResourceType({
    properties: scheduleProperties,
    replacedBy: ['Name', 'GroupName'],
    create: (context, properties) => {
      const name = properties.Name ?? context.generatedName.slice(-64);
      return created(name, scheduler.create(definitionOf(context, name, properties)));
    },
    update: (context, name, properties) =>
      created(name, scheduler.update(definitionOf(context, name, properties))),
    delete: ({ accountId, region }, name) => scheduler.delete({ accountId, region, name }),
  }),
});

const created = (physicalId: string, arn: string): CreatedResource => ({
  physicalId,
  attributes: { Arn: arn },
});

const definitionOf = (
  { accountId, region }: ResourceContext,
  name: string,
  properties: z.infer<typeof scheduleProperties>,
): ScheduleDefinition => {
  const { StartDate: start, EndDate: end, Target: target } = properties;
  return {
    accountId,
    region,
    name,
    expression: properties.ScheduleExpression,
    isEnabled: properties.State === 'ENABLED',
    startMs: start === undefined ? null : Date.parse(start),
    endMs: end === undefined ? null : Date.parse(end),
    functionArn: target.Arn,
    roleArn: target.RoleArn,
    input: target.Input ?? null,
  };
};
