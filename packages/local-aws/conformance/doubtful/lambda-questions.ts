/**
 * Questions about Lambda, its event source mappings, EventBridge, and permissions that were granted a moment
 * ago.
 */
import {
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { partitionOf } from '../signed-call.ts';
import { type Asked, inSeconds, type Question, refusal, watch } from './question.ts';
import { MOST_HOPS } from './stack.ts';

/** How long a question waits for the events of its function or bucket. */
const LIMIT_MS = 480_000;

/** Receives and deletes one message. Resolves to its parsed body; null if there is none. */
const takeOne = async ({ context }: Asked, QueueUrl: string): Promise<Record<string, unknown> | null> => {
  const { Messages: [message] = [] } = await context.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  if (message?.Body === undefined) return null;
  await context.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  return JSON.parse(message.Body) as Record<string, unknown>;
};

const sendJson = ({ context }: Asked, QueueUrl: string, value: unknown) =>
  context.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(value) }));

const notify = ({ context }: Asked, Bucket: string, configuration: NotificationConfiguration) =>
  context.s3.send(
    new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: configuration }),
  );

const firstEvent: Question = {
  name: 'firstEvent',
  question: 'What becomes of an event ten seconds after the first deployment?',
  needsStack: true,
  ask: async (asked) => {
    const { context, stack } = asked;
    const queue = { QueueArn: stack.queueArn, Events: ['s3:ObjectCreated:*' as const] };
    let refusals = 0;
    const subscribed = await watch(asked, 120_000, async () => {
      const sent = notify(asked, stack.bucket, { QueueConfigurations: [queue] });
      return await sent.then(
        () => context.now(),
        () => ((refusals += 1), null),
      );
    });
    if (subscribed === null) return `S3 refused the queue for two minutes (${refusals} times)`;
    const leftMs = stack.completeAtMs + 10_000 - context.now();
    if (leftMs > 0) await context.pass(leftMs);
    const putAtMs = context.now();
    await context.s3.send(new PutObjectCommand({ Bucket: stack.bucket, Key: 'first', Body: 'x' }));
    const readings: string[] = [];
    const end = await watch(asked, LIMIT_MS, async () => {
      const result = await takeOne(asked, stack.resultsUrl);
      if (result?.key !== 'first') return null;
      readings.push(String(result.reading));
      return result.reading === 'allowed' ? context.now() : null;
    });
    const sinceDeployment = inSeconds(putAtMs - stack.completeAtMs);
    const howLong = end === null ? 'not at all' : `after ${inSeconds(end - putAtMs)}`;
    return `S3 took the queue at attempt ${refusals + 1}; the object, ${sinceDeployment} after the deployment, was processed ${howLong}; reading it: ${readings.join(', ') || 'never tried'}`;
  },
};

const eventBridgeDelay: Question = {
  name: 'eventBridgeDelay',
  question: 'From when on do events of a bucket reach EventBridge after it was switched on?',
  needsStack: true,
  ask: async (asked) => {
    const { context, stack } = asked;
    await notify(asked, stack.eventBucket, { EventBridgeConfiguration: {} });
    const onAtMs = context.now();
    const seconds = () => Math.round((context.now() - onAtMs) / 1000);
    let lastPutAt = -Infinity;
    const event = await watch(asked, LIMIT_MS, async () => {
      if (seconds() - lastPutAt >= 5) {
        lastPutAt = seconds();
        await context.s3.send(
          new PutObjectCommand({ Bucket: stack.eventBucket, Key: String(lastPutAt), Body: 'x' }),
        );
      }
      return await takeOne(asked, stack.eventsUrl);
    });
    if (event === null) return `no event of objects written during the first ${inSeconds(LIMIT_MS)}`;
    const { detail } = event as { detail?: { object?: { key?: string } } };
    return `the first event is of the object written ${detail?.object?.key} s after it was switched on (one every 5 s), and came ${seconds()} s after it`;
  },
};

const mappingSwitch: Question = {
  name: 'mappingSwitch',
  question: 'How long does it take to switch an event source mapping off and on?',
  needsStack: true,
  ask: async (asked) => {
    const { endpoint, context, stack } = asked;
    const PATH = '/2015-03-31/event-source-mappings/';
    const query = { FunctionName: stack.functionName };
    const listed = await endpoint.call({ service: 'lambda', path: PATH, query });
    const {
      EventSourceMappings: [mapping],
    } = JSON.parse(listed) as { EventSourceMappings: [{ UUID: string }] };
    const path = `${PATH}${mapping.UUID}`;
    const switchTo = async (Enabled: boolean, wanted: string): Promise<string> => {
      const startMs = context.now();
      await endpoint.call({ service: 'lambda', method: 'PUT', path, json: { Enabled } });
      const look = async (): Promise<number | null> => {
        const { State } = JSON.parse(await endpoint.call({ service: 'lambda', path })) as { State: string };
        return State === wanted ? context.now() : null;
      };
      const end = await watch(asked, LIMIT_MS, look, { byClock: true });
      return end === null
        ? `not ${wanted} in ${inSeconds(LIMIT_MS)}`
        : `${wanted} after ${inSeconds(end - startMs)}`;
    };
    const off = await switchTo(false, 'Disabled');
    await sendJson(asked, stack.queueUrl, { note: 'sent while off' });
    const note = async (): Promise<number | null> => {
      const result = await takeOne(asked, stack.resultsUrl);
      return result?.note === undefined ? null : context.now();
    };
    const early = await watch(asked, 5_000, note, { byClock: true });
    const onAtMs = context.now();
    const on = await switchTo(true, 'Enabled');
    const processedAtMs = early ?? (await watch(asked, LIMIT_MS, note));
    const late =
      processedAtMs === null ? 'never' : `${inSeconds(processedAtMs - onAtMs)} after it was switched on`;
    return `${off}; ${on}; a message sent while it was off was processed ${early === null ? late : 'while it was off'}`;
  },
};

const hopsUntilStopped: Question = {
  name: 'hopsUntilStopped',
  question:
    'After how many invocations does Lambda stop a message that a function sends on to its own queue?',
  needsStack: true,
  ask: async (asked) => {
    const { stack } = asked;
    await sendJson(asked, stack.queueUrl, { hops: 1 });
    const end = await watch(asked, LIMIT_MS, async () => {
      const stopped = await takeOne(asked, stack.deadLetterQueueUrl);
      const result = stopped ?? (await takeOne(asked, stack.resultsUrl));
      return result && ('hops' in result || 'never' in result) ? result : null;
    });
    if (end === null) return `nothing arrived in ${inSeconds(LIMIT_MS)}`;
    if ('never' in end) return `not stopped in ${MOST_HOPS} invocations`;
    return `${Number(end.hops) - 1} invocations, then the dead-letter queue`;
  },
};

const recursiveLoopElsewhere: Question = {
  name: 'recursiveLoopElsewhere',
  question:
    'Do aws-cn and aws-us-gov have recursive loop detection, and does CloudFormation take RecursiveLoop there?',
  needsStack: false,
  ask: async ({ endpoint }) => {
    const here = partitionOf(endpoint.region);
    const then = 'hopsUntilStopped says whether there is a detection';
    return here === 'aws'
      ? `this run is in the partition aws; run with AWS_REGION=cn-north-1 or us-gov-west-1 and credentials of that partition: ${then}`
      : `this run is in the partition ${here}: ${then}; ${await recursionConfig(endpoint)}`;
  },
};

const recursionConfig = async ({ call }: Asked['endpoint']): Promise<string> => {
  const path = '/2024-08-31/functions/no-such-function/recursion-config';
  // In a partition without this operation, the error is a different one than "function not found".
  return await call({ service: 'lambda', path }).then(
    () => 'GetFunctionRecursionConfig answers',
    (error: unknown) => `GetFunctionRecursionConfig of no function: ${refusal(error)}`,
  );
};

export const lambdaQuestions: readonly Question[] = [
  firstEvent,
  mappingSwitch,
  hopsUntilStopped,
  eventBridgeDelay,
  recursiveLoopElsewhere,
];
