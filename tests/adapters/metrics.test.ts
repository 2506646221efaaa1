/** The CloudWatch metrics that the functions write, and what they cost. */
import { Logger } from '@aws-lambda-powertools/logger';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MetricForm } from '../../src/lib/aws/cloudwatch/embedded-metrics.ts';
import { createReporter } from '../../src/lib/aws/reporter.ts';
import type { OutcomeRecord } from '../../src/lib/delivery/outcome.ts';
import { SHARED_METRICS, STANDARD_METRICS } from '../../src/lib/model/metrics.ts';
import { PRICES } from '../../src/lib/runs/estimate/prices.ts';
import { dollarText } from '../../src/lib/text/amounts.ts';

const lines: string[] = [];
beforeEach(() => {
  lines.length = 0;
  vi.stubEnv('POWERTOOLS_METRICS_NAMESPACE', 's3-replicator');
  // Powertools then writes to the console of the process.
  vi.stubEnv('POWERTOOLS_DEV', 'true');
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Returns the places of this many rules, each of which has one destination. */
const places = (rules: number) =>
  Array.from({ length: rules }, (_, index) => ({
    rule: `rule-${index}`,
    sourceBucket: `source-${index}`,
    destinationBucket: `replica-${index}`,
    destination: 'replica',
  }));

const NOWHERE = { rule: null, sourceBucket: null, destinationBucket: null, destination: null };
const COMMON = { key: 'k', version: null, sizeBytes: 10, attempts: 1, firstSeen: null };
const RECEIPT = {
  duplicate: false,
  sourceVersion: null,
  replicaVersion: null,
  etag: null,
  copies: 1,
  bytes: 10,
  checksum: null,
  proof: null,
  durationMs: 100,
  latencySeconds: 1.5,
  claims: null,
} as const;
const FAILED = { reason: 'access-denied', detail: '', requestId: null } as const;

/** Returns one record of each kind about the place. */
const recordsAt = (place: ReturnType<typeof places>[number] | typeof NOWHERE): OutcomeRecord[] => {
  const about = { ...place, ...COMMON };
  const since = '2026-11-30T00:00:00.000Z';
  return [
    ...(['replicated', 'deleted', 'updated', 'unchanged', 'held', 'transferring'] as const).map(
      (outcome): OutcomeRecord => ({ ...about, ending: 'done', ...RECEIPT, outcome }),
    ),
    { ...about, ending: 'done', ...RECEIPT, outcome: 'replicated', duplicate: true, lock: 'capped' },
    { ...about, ending: 'skip', why: 'no-rule' },
    { ...about, ending: 'range', duplicate: false, firstPart: 1, lastPart: 2, bytes: 10, durationMs: 1 },
    ...(['retry', 'wait', 'quarantine'] as const).map((ending): OutcomeRecord => ({
      ...about,
      ...FAILED,
      ending,
    })),
    { ...about, ending: 'avoided', reason: 'no-answer', detail: '', since },
    { ...about, ending: 'paused', detail: '', since },
  ];
};

interface EmbeddedLine extends Record<string, unknown> {
  _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
}

/**
 * Returns the custom metrics that CloudWatch makes of the lines. Each combination of namespace, name and dimensions is a separate metric.
 */
const seriesOf = (written: readonly string[]): Set<string> => {
  const series = new Set<string>();
  for (const line of written) {
    const fields: EmbeddedLine = JSON.parse(line);
    for (const { Namespace, Dimensions, Metrics } of fields._aws.CloudWatchMetrics)
      for (const names of Dimensions)
        for (const { Name } of Metrics)
          series.add(JSON.stringify([Namespace, Name, names.map((name) => [name, fields[name]])]));
  }
  return series;
};

const seriesWith = (rules: number, metricForm: MetricForm): Set<string> => {
  lines.length = 0;
  const reporter = createReporter(new Logger({ logLevel: 'SILENT' }), { metricForm });
  for (const place of places(rules)) {
    for (const record of recordsAt(place)) reporter.report(record);
    reporter.pending(place, { operations: 7, bytes: 70, oldestSeconds: 100 });
  }
  const unknown: OutcomeRecord[] = recordsAt(NOWHERE).filter(
    ({ ending }) => ending === 'skip' || ending === 'quarantine',
  );
  for (const record of unknown) reporter.report(record);
  reporter.publish();
  return seriesOf(lines);
};

const price = (rules: number, form: MetricForm): number => seriesWith(rules, form).size * PRICES.metricMonth;

test('each destination of a rule has six metrics, and five rules cost less than ten dollars a month', () => {
  const series = seriesWith(5, 'standard');
  expect(series.size).toBe(5 * STANDARD_METRICS.length + SHARED_METRICS.length);
  const names = new Set([...series].map((each) => JSON.parse(each)[1]));
  expect(names).toEqual(new Set([...STANDARD_METRICS, ...SHARED_METRICS]));
  expect(price(5, 'standard')).toBeLessThan(10);
});

test('detailed metrics tell more of each destination: bytes and ages, reasons, retries, calls and dollars', () => {
  const names = [...seriesWith(1, 'detailed')].map((each) => {
    const [, name, dimensions]: [string, string, [string, string][]] = JSON.parse(each);
    return `${name} ${dimensions
      .map(([dimension]) => dimension)
      .slice(3)
      .join()}`.trim();
  });
  const more = [
    'BytesPendingReplication',
    'OperationsPendingReplication Age',
    'OperationsFailedReplication Reason',
    'OperationsRetried',
    'OperationsSkipped',
    'Calls',
    'EstimatedDollars',
  ];
  expect(new Set(names)).toEqual(new Set([...STANDARD_METRICS, ...SHARED_METRICS, ...more]));
});

test('no number of objects makes more metrics', () => {
  const once = seriesWith(2, 'detailed').size;
  const reporter = createReporter(new Logger({ logLevel: 'SILENT' }), { metricForm: 'detailed' });
  for (let n = 0; n < 300; n += 1)
    for (const place of places(2))
      for (const record of recordsAt(place)) reporter.report({ ...record, key: `${n}` });
  reporter.publish();
  expect(seriesOf(lines).size).toBe(once);
});

const DOCUMENT = join(import.meta.dirname, '../../docs/operations.md');

test('docs/operations.md has the prices that follow from the metrics', async () => {
  const forms = ['standard', 'detailed'] as const;
  const rows = [1, 5, 20].map((rules) => [rules, ...forms.map((form) => dollarText(price(rules, form)))]);
  const header = [
    ['rules with one destination', '`standard`, US$ a month', '`detailed`, US$ a month'],
    ['---', '---', '---'],
  ];
  const table = [...header, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const [before = '', , after = ''] = readFileSync(DOCUMENT, 'utf8').split(/<!-- (?:end of )?prices.*?-->\n/);
  const text = `${before}<!-- prices: written by tests/adapters/metrics.test.ts -->\n\n${table}\n\n<!-- end of prices -->\n${after}`;
  const formatted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(formatted).toMatchFileSnapshot(DOCUMENT);
});
