import type { PolicyDocument, PolicyKeeper } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { QueueSender } from '../core/delivery.ts';
import { requestKeys, type AwsRequest } from '../core/request.ts';
import { AwsError } from '../front/aws-error.ts';
import type { QueryInput } from '../front/query-input.ts';
import type { QueryOutput } from '../front/query-xml.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { Publication } from './delivery.ts';
import { invalid, type Topic, type Topics } from './topics.ts';

/** A request to SNS, and the services that operations use to handle it. */
export interface Call {
  request: AwsRequest;
  input: QueryInput;
  accountId: string;
  authorizer: PolicyKeeper;
  clock: Clock;
  queues: QueueSender;
  topics: Topics;
  publish(topic: Topic, publication: Publication): void;
}

export interface Operation {
  /** The fields that a request may have. Other fields are errors. */
  known: string[];
  run(call: Call): QueryOutput;
}

export const required = (input: QueryInput, name: string): string => {
  const value = input.text(name);
  if (value !== undefined && value !== '') return value;
  throw invalid(`${name} Reason: no value for required parameter`);
};

/** Throws AuthorizationError unless the caller may do the action on the resource. `action` has no prefix, e.g. `Publish`. */
export const authorize = (
  call: Call,
  action: string,
  target: { arn: string; ownerId: string; policy?: PolicyDocument | undefined },
  context?: Record<string, string>,
): void => {
  const question = {
    caller: call.request.caller,
    action: `sns:${action}`,
    resource: target.arn,
    resourceAccountId: target.ownerId,
    resourcePolicy: target.policy,
    secureTransport: call.request.secureTransport,
    context: { ...requestKeys(call.request), ...context },
  };
  const decision = call.authorizer.decide(question);
  if (decision.allowed) return;
  throw new AwsError('AuthorizationError', accessDeniedMessage(question, decision.reason), { status: 403 });
};

export const ownerOf = (arn: string): string => arn.split(':')[4] ?? '';

/**
 * Returns the topic that the request names. Checks the permission first, so that a caller without it does not learn whether the topic
 * exists.
 */
export const topicOf = (call: Call, action: string, context?: Record<string, string>): Topic => {
  const { input, topics } = call;
  const arn = input.text('TopicArn') ?? required(input, 'TargetArn');
  if (!/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+$/.test(arn)) throw invalid('TopicArn');
  authorize(call, action, { arn, ownerId: ownerOf(arn), policy: topics.find(arn)?.policy }, context);
  return topics.existing(arn);
};
