import type { Clock } from '../core/clock.ts';
import type { Lambda } from '../lambda/lambda.ts';
import type { Sqs } from '../sqs/sqs.ts';
import { MINUTE_MS, type MetricStore } from './metric-store.ts';

export interface MetricSampler {
  /** Adds the current values of the metrics that SQS and Lambda report. */
  sample(): void;
  stop(): void;
}

/**
 * How often, in milliseconds of real time, the clock is checked for a new minute. Tests can move the clock.
 */
const CHECK_EVERY_MS = 1_000;

/**
 * Reports the metrics of queues and functions once a minute, and whenever a caller requests metrics.
 * Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 * and https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export const createMetricSampler = (
  store: MetricStore,
  {
    sqs,
    lambda,
    clock,
  }: { sqs: Pick<Sqs, 'queues'>; lambda: Pick<Lambda, 'functionArns' | 'usage'>; clock: Clock },
): MetricSampler => {
  const totals = new Map<string, number>();
  /**
   * Returns how much a total has grown since the last sample. A total that has become smaller was reset, so
   * it has grown from zero.
   */
  const growth = (name: string, total: number): number => {
    const before = totals.get(name) ?? 0;
    totals.set(name, total);
    return total >= before ? total - before : total;
  };
  let sampledMinute = -1;
  const sample = (): void => {
    const nowMs = clock.now();
    sampledMinute = Math.floor(nowMs / MINUTE_MS);
    for (const { accountId, region, name: QueueName, arn, messages } of sqs.queues.all()) {
      const { visible, inFlight, delayed } = messages.counts();
      const values = {
        ApproximateNumberOfMessagesVisible: visible,
        ApproximateNumberOfMessagesNotVisible: inFlight,
        ApproximateNumberOfMessagesDelayed: delayed,
        ApproximateAgeOfOldestMessage: Math.floor(messages.oldestAgeMs() / 1_000),
        NumberOfMessagesSent: growth(arn, messages.sentCount()),
      };
      for (const [name, value] of Object.entries(values))
        store.add({ accountId, region, namespace: 'AWS/SQS', name, dimensions: { QueueName } }, nowMs, value);
    }
    for (const arn of lambda.functionArns()) {
      const [, , , region = '', accountId = '', , FunctionName = ''] = arn.split(':');
      const { invocations, errors, throttles, recursiveInvocationsDropped } = lambda.usage(arn);
      const values = {
        Invocations: invocations,
        Errors: errors,
        Throttles: throttles,
        RecursiveInvocationsDropped: recursiveInvocationsDropped,
      };
      for (const [name, total] of Object.entries(values)) {
        const place = { accountId, region, namespace: 'AWS/Lambda', name, dimensions: { FunctionName } };
        store.add(place, nowMs, growth(`${arn} ${name}`, total));
      }
    }
  };
  const timer = setInterval(() => {
    if (Math.floor(clock.now() / MINUTE_MS) !== sampledMinute) sample();
  }, CHECK_EVERY_MS).unref();
  return { sample, stop: () => clearInterval(timer) };
};
