import type { Caller, ContextValue, PolicyKeeper } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { Faults } from '../core/fault.ts';
import type { KeyDirectory } from '../kms/kms.ts';
import { AwsError } from '../front/aws-error.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { type Input, text } from './input.ts';
import { authorizeKey } from './queue-key.ts';
import { existing, type Queue, type QueueRegistry } from './queue-registry.ts';

/** The request and the services that an operation uses. */
export interface OperationContext {
  registry: QueueRegistry;
  authorizer: PolicyKeeper;
  kms: KeyDirectory;
  clock: Clock;
  caller: Caller;
  region: string;
  secureTransport: boolean;
  /** The condition keys of the HTTP request. A call by another service has only the region. */
  requestKeys: Record<string, ContextValue>;
  /** The request's header X-Amzn-Trace-Id. */
  traceHeader?: string | undefined;
  /** The address with which queue URLs in the response begin, e.g. `https://127.0.0.1:4566`. */
  endpoint: string;
  /** Ends a long poll when it is aborted. */
  signal: AbortSignal | undefined;
  faults: Readonly<Faults>;
  /** Maximum number of messages of a queue that may be in flight. */
  maximumInFlight: number;
}

export type Operation = (input: Input, context: OperationContext) => unknown;

/**
 * Returns the queue that `QueueUrl` names. Throws an error if the queue does not exist, or if the caller may not do all `actions` (e.g.
 * `sqs:SendMessage`) on it.
 */
export function authorizedQueue(input: Input, context: OperationContext, ...actions: string[]): Queue {
  const queueUrl = text(input, 'QueueUrl');
  const [, accountId = '', name = ''] = /^(?:https?:\/\/[^/]+)?\/(\d{12})\/([^/]+)$/.exec(queueUrl) ?? [];
  if (name === '') {
    throw new AwsError('InvalidAddress', `The address ${queueUrl} is not valid for this endpoint.`, {
      status: 404,
    });
  }
  const queue = existing(context.registry.byName({ accountId, region: context.region, name }));
  for (const action of actions) {
    authorize(context, action, queue.arn, queue);
    authorizeKey(context, context.caller, action, queue);
  }
  return queue;
}

/** Throws AccessDeniedException unless the caller may do the action. `queue` is absent if the queue does not exist yet. */
export function authorize(context: OperationContext, action: string, queueArn: string, queue?: Queue): void {
  const { caller } = context;
  const resourceAccountId = queueArn.split(':')[4] ?? '';
  const question = { caller, action, resource: queueArn };
  const decision = context.authorizer.decide({
    ...question,
    resourceAccountId,
    resourcePolicy: queue && context.registry.knownPolicy(queue),
    secureTransport: context.secureTransport,
    context: context.requestKeys,
  });
  if (decision.allowed) return;
  // Unlike other services, SQS writes the action in lower case in this message.
  const message = accessDeniedMessage(question, decision.reason).replaceAll(action, action.toLowerCase());
  throw new AwsError('AccessDeniedException', message, { status: 403, queryCode: 'AccessDenied' });
}

/** Returns the caller's account. Operations that name no queue apply to this account. */
export function accountOf(caller: Caller): string {
  if (caller.kind === 'root' || caller.kind === 'session') return caller.accountId;
  throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', {
    status: 403,
    queryCode: 'MissingAuthenticationToken',
  });
}

export function queueUrlOf(endpoint: string, queue: { accountId: string; name: string }): string {
  return `${endpoint}/${queue.accountId}/${queue.name}`;
}
