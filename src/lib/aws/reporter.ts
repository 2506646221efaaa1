/**
 * Log lines and metrics of one invocation. Each outcome is logged as one structured line. The metrics have the names of S3's own
 * replication metrics.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type LoggedKeys, withoutKey } from '../text/hashed-key.ts';
import type { OutcomeRecord, Reporter } from '../delivery/outcome.ts';

/** A reporter that also collects metrics. `publish` is called at the end of the invocation. */
export interface MeteredReporter extends Reporter {
  publish(): void;
}

export const createReporter = (logger: Logger, loggedKeys: LoggedKeys = 'plain'): MeteredReporter => {
  const metrics = new Map<string, Metrics>();
  return {
    report(record) {
      log(logger, loggedKeys === 'hashed' ? withoutItsKey(record) : record);
      addMetrics(metricsOf(metrics, record), record);
      // The alarms count the destinations of all rules together.
      if (record.ending === 'avoided' || record.ending === 'paused')
        addMetrics(metricsOf(metrics, NO_DIMENSIONS), record);
    },
    publish() {
      for (const each of metrics.values()) each.publishStoredMetrics();
      metrics.clear();
    },
  };
};

/** The logger hashes keys, but cannot find them within a text. */
const withoutItsKey = (record: OutcomeRecord): OutcomeRecord =>
  'detail' in record ? { ...record, detail: withoutKey(record.detail, record.key) } : record;

const log = (logger: Logger, record: OutcomeRecord): void => {
  switch (record.ending) {
    case 'done':
      return logger.info(record.duplicate ? 'duplicate' : record.outcome, { ...record });
    case 'skip':
      return logger.info('skipped', { ...record });
    case 'range':
      return logger.info('range', { ...record });
    case 'retry':
      return logger.warn('retry', { ...record });
    case 'wait':
      return logger.info('waits', { ...record });
    case 'avoided':
      return logger.warn('avoided', { ...record });
    case 'paused':
      return logger.warn('paused', { ...record });
    case 'quarantine':
      return logger.error('quarantined', { ...record });
  }
};

type Place = Pick<OutcomeRecord, 'sourceBucket' | 'destinationBucket' | 'rule'>;

const NO_DIMENSIONS: Place = { sourceBucket: null, destinationBucket: null, rule: null };

/**
 * Returns the metrics with the dimensions of a record. S3's own replication metrics have the same dimensions. A record without a rule has
 * none: its bucket is what a message says, and each name of a sender's invention would be one more metric to pay for.
 */
const metricsOf = (known: Map<string, Metrics>, { rule, ...buckets }: Place): Metrics => {
  const record = rule === null ? NO_DIMENSIONS : { rule, ...buckets };
  const dimensions = {
    SourceBucket: record.sourceBucket ?? 'none',
    DestinationBucket: record.destinationBucket ?? 'none',
    RuleId: record.rule ?? 'none',
  };
  const name = JSON.stringify(dimensions);
  const metrics = known.get(name) ?? metricsWith(dimensions);
  known.set(name, metrics);
  return metrics;
};

/**
 * Returns metrics with exactly these dimensions. Powertools adds a dimension `service` by itself, which is removed: CloudWatch
 * finds a metric only by all of its dimensions. The dimensions are set as default dimensions because Powertools drops all other
 * dimensions when it flushes. It flushes after every hundred values.
 */
const metricsWith = (dimensions: Record<string, string>): Metrics => {
  const metrics = new Metrics();
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
  return metrics;
};

/** The outcomes after which the destination has changed. `transferring` is not one of them, because the object is not replicated yet. */
const CHANGING_OUTCOMES: ReadonlySet<string> = new Set(['replicated', 'deleted', 'updated']);

const addMetrics = (metrics: Metrics, record: OutcomeRecord): void => {
  switch (record.ending) {
    case 'done':
      if (record.outcome === 'transferring') return;
      if (record.outcome === 'held' && !record.duplicate) {
        metrics.addMetric('OperationsHeld', MetricUnit.Count, 1);
        return;
      }
      if (record.duplicate || !CHANGING_OUTCOMES.has(record.outcome)) {
        metrics.addMetric('OperationsSkipped', MetricUnit.Count, 1);
        return;
      }
      metrics.addMetric('OperationsReplicated', MetricUnit.Count, 1);
      metrics.addMetric('BytesReplicated', MetricUnit.Bytes, record.bytes);
      if (record.lock === 'capped') metrics.addMetric('LocksCapped', MetricUnit.Count, 1);
      if (record.latencySeconds !== null) {
        metrics.addMetric('ReplicationLatency', MetricUnit.Seconds, record.latencySeconds);
      }
      if (record.claims === 'replica') metrics.addMetric('ClaimsReplicated', MetricUnit.Count, 1);
      return;
    case 'skip':
      metrics.addMetric('OperationsSkipped', MetricUnit.Count, 1);
      return;
    case 'range':
      metrics.addMetric('BytesTransferred', MetricUnit.Bytes, record.bytes);
      return;
    case 'retry':
      metrics.addMetric('OperationsRetried', MetricUnit.Count, 1);
      return;
    case 'wait':
      metrics.addMetric('OperationsWaiting', MetricUnit.Count, 1);
      return;
    case 'avoided':
      metrics.addMetric('DestinationsAvoided', MetricUnit.Count, 1);
      return;
    case 'paused':
      metrics.addMetric('DeletesPaused', MetricUnit.Count, 1);
      return;
    case 'quarantine':
      metrics.addMetric('OperationsFailedReplication', MetricUnit.Count, 1);
      return;
  }
};
