import { z } from 'zod';
import type { MetricLine } from '../lambda/log-lines.ts';
import type { MetricStore } from './metric-store.ts';

/**
 * The metadata of a log line in the embedded metric format.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const metadata = z.object({
  Timestamp: z.number(),
  CloudWatchMetrics: z.array(
    z.object({
      Namespace: z.string().min(1),
      Dimensions: z.array(z.array(z.string()).max(30)),
      Metrics: z.array(z.object({ Name: z.string().min(1) })).max(100),
    }),
  ),
});

/** Adds the metrics of a log line. As in CloudWatch, a line that does not follow the format is ignored. */
export const addEmbeddedMetrics = (
  store: MetricStore,
  { accountId, region }: { accountId: string; region: string },
  line: MetricLine,
): void => {
  const parsed = metadata.safeParse(line._aws);
  if (!parsed.success) return;
  const { Timestamp: atMs, CloudWatchMetrics: directives } = parsed.data;
  for (const { Namespace: namespace, Dimensions: sets, Metrics: metrics } of directives)
    for (const names of sets)
      for (const { Name: name } of metrics) {
        const dimensions = Object.fromEntries(names.map((each) => [each, String(line[each])]));
        for (const value of numbersIn(line[name]))
          store.add({ accountId, region, namespace, name, dimensions }, atMs, value);
      }
};

const numbersIn = (value: unknown): number[] =>
  (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'number');
