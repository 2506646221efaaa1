/**
 * The JSON API of the local EventBridge: rules, their targets and their states.
 * Source: the pages of these names in https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
 */
import { z } from 'zod';
import type { Authorizer } from '../core/access.ts';
import type { EventBus } from '../core/delivery.ts';
import type { AwsRequest, AwsService } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { authorize } from './authorize.ts';
import type { Rule } from './event-rule.ts';
import { putEvents } from './put-events.ts';

/** Handles a call about a rule and returns the response. */
type Operation = (rule: Rule) => unknown;

const describe: Operation = (rule) => ({
  Name: nameOf(rule),
  Arn: rule.arn,
  State: rule.isEnabled ? 'ENABLED' : 'DISABLED',
  EventBusName: 'default',
  ...(rule.pattern === null ? {} : { EventPattern: rule.pattern }),
  ...(rule.scheduleExpression === null ? {} : { ScheduleExpression: rule.scheduleExpression }),
});

const nameOf = ({ arn }: Rule): string => arn.slice(arn.lastIndexOf('/') + 1);

const switched =
  (isEnabled: boolean): Operation =>
  (rule) => {
    rule.isEnabled = isEnabled;
    return {};
  };

const OPERATIONS: Record<string, Operation> = {
  DescribeRule: describe,
  ListTargetsByRule: ({ targets }) => ({
    Targets: targets.map(({ id, arn, deadLetterArn, input }) => ({
      Id: id,
      Arn: arn,
      ...(input === null ? {} : { Input: input }),
      ...(deadLetterArn === undefined ? {} : { DeadLetterConfig: { Arn: deadLetterArn } }),
    })),
  }),
  EnableRule: switched(true),
  DisableRule: switched(false),
};

const inputShape = z.strictObject({
  Name: z.string().optional(),
  Rule: z.string().optional(),
  EventBusName: z.literal('default').optional(),
});

const MAX_BODY_BYTES = 2 * 1024 * 1024;

export const createEventsApi = (
  rules: ReadonlyMap<string, Rule>,
  { iam, bus }: { iam: Authorizer; bus: EventBus },
): AwsService => ({
  handle: async (request, response) => {
    const target = String(request.headers['x-amz-target']);
    const action = target.slice(target.lastIndexOf('.') + 1);
    const operation = OPERATIONS[action];
    if (operation === undefined && action !== 'PutEvents') throw notSupported(`events:${action}`);
    const json: unknown = JSON.parse((await readBody(request.body, MAX_BODY_BYTES)).toString());
    const answer =
      operation === undefined
        ? putEvents(request, json, { iam, bus })
        : operation(ruleOf({ rules, iam, request, action }, inputOf(json)));
    writeJson(response, answer, 'application/x-amz-json-1.1');
  },
});

const inputOf = (json: unknown): string => {
  const input = inputShape.safeParse(json);
  if (!input.success) throw new AwsError('ValidationException', z.prettifyError(input.error));
  return input.data.Name ?? input.data.Rule ?? '';
};

const ruleOf = (
  call: { rules: ReadonlyMap<string, Rule>; iam: Authorizer; request: AwsRequest; action: string },
  name: string,
): Rule => {
  const { rules, iam, request, action } = call;
  const accountId = 'accountId' in request.caller ? request.caller.accountId : '';
  const resource = `arn:aws:events:${request.region}:${accountId}:rule/${name}`;
  authorize(iam, request, { action, resource });
  const rule = rules.get(resource);
  if (rule === undefined)
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
  return rule;
};
