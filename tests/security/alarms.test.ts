/** A lasting failure does not silence the alarm about later failures, and senders of messages cannot create metrics. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { afterEach, expect, test, vi } from 'vitest';
import { createReporter } from '../../src/lib/aws/reporter.ts';
import { s3Event, testConfiguration, testRule } from '../model/settings.ts';
import { batchWorld, queueMessage } from '../replicate/batch-world.ts';
import { generatedTemplate } from '../stack/sample-stack.ts';
import { ofType } from '../stack/statements.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

interface AlarmProperties {
  AlarmName: string;
  MetricName: string;
  Threshold: number;
  Dimensions: { Value: unknown }[];
}

const alarms = ofType(generatedTemplate(), 'AWS::CloudWatch::Alarm')
  .map(([, { Properties }]) => Properties as unknown as AlarmProperties)
  .filter(({ Dimensions }) => JSON.stringify(Dimensions).includes('"LiveDeadLetterQueue"'));

/**
 * Returns the names of the alarms that change to ALARM in the last of the periods. A period consists of the metrics of the
 * dead-letter queue.
 */
const announced = (...periods: Record<string, number>[]): string[] =>
  alarms
    .filter(({ MetricName, Threshold }) => {
      const [before, now] = periods.slice(-2).map((metrics) => (metrics[MetricName] ?? 0) >= Threshold);
      return now === true && before !== true;
    })
    .map(({ AlarmName }) => AlarmName.replace('acme-replication-test-', ''));

const DAY = 86_400;
const hours = (count: number, sent: number, ageSeconds: number) => ({
  ApproximateNumberOfMessagesVisible: count,
  NumberOfMessagesSent: sent,
  ApproximateAgeOfOldestMessage: ageSeconds,
});

test('an object that nobody can read does not silence the alarm about the next one', () => {
  expect(announced(hours(0, 0, 0), hours(1, 1, 10))).toEqual(['dead-letters', 'new-dead-letters']);
  expect(announced(hours(1, 0, DAY), hours(2, 1, DAY))).toEqual(['new-dead-letters']);
});

test('an alarm says that the oldest dead letter is to be deleted by SQS, days before', () => {
  expect(announced(hours(1, 0, 10 * DAY - 300), hours(1, 0, 10 * DAY))).toEqual(['dead-letters-expire']);
});

test('whoever sends messages about invented buckets creates no metric for them', async () => {
  const dimensions = vi.spyOn(Metrics.prototype, 'setDefaultDimensions');
  vi.spyOn(Metrics.prototype, 'publishStoredMetrics').mockReturnThis();
  const reporter = createReporter(new Logger({ logLevel: 'SILENT' }));
  const { source, records, run } = batchWorld(testConfiguration(testRule()));
  source.put('k', Buffer.from('x'));
  for (let n = 0; n < 20; n += 1) await run(queueMessage(s3Event({ bucket: `invented-${n}`, key: 'k' })));
  await run(queueMessage('{"s3-replicator":"hint","bucket":"invented","key":"k","rule":"invented"}'));
  await run(queueMessage(s3Event({ key: 'k' })));
  expect(records).toHaveLength(22);
  for (const record of records) reporter.report(record);
  reporter.publish();
  const buckets = dimensions.mock.calls.flatMap(([given]) => given?.['SourceBucket'] ?? []);
  expect(new Set(buckets)).toEqual(new Set(['none', 'source']));
});
