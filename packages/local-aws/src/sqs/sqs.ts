import type { Caller } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { QueueSender } from '../core/delivery.ts';
import { type Faults, NO_FAULTS } from '../core/fault.ts';
import { requestKeys, type AwsRequest, type AwsService } from '../core/request.ts';
import { AwsError } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import type { Iam } from '../iam/iam.ts';
import { createKmsKeys, type KeyDirectory } from '../kms/kms.ts';
import { enterQueue } from './enter-queue.ts';
import { type Input, isRecord } from './input.ts';
import { contentOf } from './message-content.ts';
import { messageOperations } from './message-operations.ts';
import { type KeyAccess, keyRefusal } from './queue-key.ts';
import { createMoveTasks } from './move-tasks.ts';
import type { OperationContext } from './operation.ts';
import { queueOperations } from './queue-operations.ts';
import { createQueueRegistry, type QueueRegistry } from './queue-registry.ts';

export interface Sqs extends AwsService, QueueSender {
  /**
   * Runs an operation without HTTP, e.g. `invoke(caller, 'ReceiveMessage', { QueueUrl, WaitTimeSeconds: 20 }, { region })`. Input and
   * output are those of the JSON protocol. Checks the caller's permissions, as a request does. Aborting `signal` ends a long poll, which
   * then resolves without messages.
   * @throws AwsError the errors of the operation
   */
  invoke(
    caller: Caller,
    operation: string,
    input: Record<string, unknown>,
    options: { region: string; signal?: AbortSignal },
  ): Promise<Record<string, unknown>>;
  /** Returns the URL of the queue with this ARN, which need not exist. `Ref` in a template returns the same URL. */
  queueUrl(queueArn: string): string;
  /** All queues. The functions check no permissions. Intended for CloudFormation and tests. */
  queues: QueueRegistry;
}

/**
 * Creates the local SQS, which keeps standard queues in memory. `endpoint` returns the address of the local AWS. Queue URLs begin with it,
 * except in responses to requests.
 */
export function createSqs(options: {
  iam: Iam;
  /** The KMS keys of encrypted queues. By default, all keys have the default policy. */
  kms?: KeyDirectory;
  clock: Clock;
  endpoint: () => string;
  faults?: Readonly<Faults>;
  /** Maximum number of messages of a queue that are in flight. The default is 120,000, as in AWS. */
  maximumInFlight?: number | undefined;
}): Sqs {
  const { iam, clock, endpoint, faults = NO_FAULTS, maximumInFlight = 120_000 } = options;
  const { kms = createKmsKeys({ clock }) } = options;
  const registry = createQueueRegistry(clock, faults, (policy) => iam.keep(policy, 'resource'));
  const operations = { ...queueOperations, ...messageOperations, ...createMoveTasks() };
  const run = async (name: string, input: Input, context: OperationContext): Promise<Input> => {
    const operation = operations[name];
    if (!operation) throw unknownOperation(name);
    const output = await operation(input, context);
    return isRecord(output) ? output : {};
  };
  const access = { authorizer: iam, kms };
  const common = { registry, ...access, clock, faults, maximumInFlight };
  return {
    queues: registry,
    queueUrl(queueArn) {
      const [, , , , accountId, name] = queueArn.split(':');
      return `${endpoint()}/${accountId}/${name}`;
    },
    async handle(request, response) {
      const input = await parseInput(request);
      const name = operationOf(request);
      const gone = new AbortController();
      response.once('close', () => {
        if (!response.writableFinished) gone.abort();
      });
      writeJson(response, await run(name, input, contextOf(request, { ...common, signal: gone.signal })));
    },
    invoke: (caller, operation, input, { region, signal }) =>
      run(operation, input, {
        ...common,
        caller,
        region,
        secureTransport: true,
        requestKeys: { 'aws:requestedregion': region },
        endpoint: endpoint(),
        signal,
      }),
    maySend: (message) => judgeSender(access, registry, message),
    sendAsService(message) {
      const queue = registry.byArn(message.queueArn);
      const verdict = judgeSender(access, registry, message);
      if (!queue || verdict !== 'allowed') return verdict === 'allowed' ? 'no-such-queue' : verdict;
      enterQueue(faults.plan, queue, {
        content: contentOf(message.body, message.attributes),
        senderId: message.service,
        delayMs: queue.attributes.delayMs,
        service: message.service,
      });
      return 'sent';
    },
  };
}

function judgeSender(
  access: KeyAccess,
  queues: QueueRegistry,
  sender: { queueArn: string; service: string; sourceArn: string; sourceAccount: string },
): 'allowed' | 'denied' | 'no-such-queue' {
  const queue = queues.byArn(sender.queueArn);
  if (!queue) return 'no-such-queue';
  const { service, sourceArn, sourceAccount } = sender;
  const caller = { kind: 'service', service, sourceArn, sourceAccount } as const;
  const decision = access.authorizer.decide({
    caller,
    action: 'sqs:SendMessage',
    resource: queue.arn,
    resourceAccountId: queue.accountId,
    resourcePolicy: queues.knownPolicy(queue),
    secureTransport: true,
  });
  if (!decision.allowed) return 'denied';
  return keyRefusal(access, caller, 'sqs:SendMessage', queue) === null ? 'allowed' : 'denied';
}

async function parseInput(request: AwsRequest): Promise<Input> {
  const body = await readBody(request.body, 16 * 1024 * 1024);
  try {
    const input: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
    if (isRecord(input)) return input;
  } catch {
    // The error below covers both invalid JSON and JSON that is not an object.
  }
  throw new AwsError('SerializationException', 'The request body is not a JSON object.');
}

function operationOf(request: AwsRequest): string {
  const target = request.headers['x-amz-target'];
  const [, operation] = /^AmazonSQS\.(\w+)$/.exec(typeof target === 'string' ? target : '') ?? [];
  if (operation === undefined) throw unknownOperation(String(target));
  return operation;
}

function contextOf(
  request: AwsRequest,
  common: Pick<
    OperationContext,
    'registry' | 'authorizer' | 'kms' | 'clock' | 'signal' | 'faults' | 'maximumInFlight'
  >,
): OperationContext {
  const { caller, region, secureTransport, headers } = request;
  const endpoint = `${secureTransport ? 'https' : 'http'}://${headers.host ?? '127.0.0.1'}`;
  const trace = headers['x-amzn-trace-id'];
  const traceHeader = typeof trace === 'string' ? trace : undefined;
  const keys = requestKeys(request);
  return { ...common, caller, region, secureTransport, requestKeys: keys, endpoint, traceHeader };
}

function unknownOperation(name: string): AwsError {
  return new AwsError('UnknownOperationException', `The local SQS has no operation ${name}.`, {
    queryCode: 'InvalidAction',
  });
}
