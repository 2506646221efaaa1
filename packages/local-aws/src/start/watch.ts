import { watchProviders } from '../cloudformation/watch-resources.ts';
import { createAlarms } from '../cloudwatch/alarms.ts';
import { createCloudWatch } from '../cloudwatch/cloudwatch.ts';
import { addEmbeddedMetrics } from '../cloudwatch/embedded-metrics.ts';
import { createMetricStore } from '../cloudwatch/metric-store.ts';
import { createMetricSampler } from '../cloudwatch/sampled-metrics.ts';
import type { Clock } from '../core/clock.ts';
import type { Iam } from '../iam/iam.ts';
import type { KmsKeys } from '../kms/kms.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { parseMetricLine } from '../lambda/log-lines.ts';
import type { LogLine } from '../lambda/log-sink.ts';
import { createLogGroups } from '../logs/log-groups.ts';
import { createLogs } from '../logs/logs.ts';
import type { Sqs } from '../sqs/sqs.ts';

/**
 * Creates CloudWatch and CloudWatch Logs, with the log lines of functions, the metrics of queues and functions, and alarms on these
 * metrics.
 */
export const createWatch = ({ clock, iam, kms }: { clock: Clock; iam: Iam; kms: KmsKeys }) => {
  const store = createMetricStore();
  const alarms = createAlarms();
  const groups = createLogGroups(clock);
  return {
    providers: watchProviders({ alarms, logGroups: groups, clock, keys: { authorizer: iam, kms } }),
    /** Stores a line of a function's output and the metrics in it. */
    onLog: ({ line, delivered, group, stream }: LogLine): void => {
      if (!delivered) return;
      groups.write(group, { stream, message: `${line}\n` });
      const metrics = parseMetricLine(line);
      if (metrics !== null) addEmbeddedMetrics(store, group, metrics);
    },
    /** Begins to collect the metrics of queues and functions. */
    start: (services: { sqs: Sqs; lambda: Lambda }) => {
      const sampler = createMetricSampler(store, { ...services, clock });
      return {
        monitoring: createCloudWatch({ store, alarms, sample: sampler.sample, iam, clock }),
        logs: createLogs({ groups, iam }),
        stopWatch: (): void => {
          sampler.stop();
          store.clear();
          groups.clear();
        },
      };
    },
  };
};
