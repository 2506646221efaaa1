/** Log lines and metrics of one invocation: one structured line per outcome, S3's own metric names. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { OutcomeRecord, Reporter } from '../delivery/outcome.ts';

/** Collects metrics until they are published, at the end of the invocation. */
export interface MeteredReporter extends Reporter {
  publish(): void;
}

export const createReporter = (logger: Logger): MeteredReporter => {
  const metrics = new Map<string, Metrics>();
  return {
    report(record) {
      log(logger, record);
      count(metricsOf(metrics, record), record);
    },
    publish() {
      for (const each of metrics.values()) each.publishStoredMetrics();
      metrics.clear();
    },
  };
};

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
    case 'quarantine':
      return logger.error('quarantined', { ...record });
  }
};

/** Dimensions as S3's own replication metrics have them. */
const metricsOf = (known: Map<string, Metrics>, record: OutcomeRecord): Metrics => {
  const dimensions = {
    SourceBucket: record.sourceBucket ?? 'none',
    DestinationBucket: record.destinationBucket ?? 'none',
    RuleId: record.rule ?? 'none',
  };
  const name = JSON.stringify(dimensions);
  const metrics = known.get(name) ?? new Metrics();
  // As defaults: dimensions that are only added are gone when Powertools flushes at a hundred values.
  if (!known.has(name)) metrics.setDefaultDimensions(dimensions);
  known.set(name, metrics);
  return metrics;
};

/** Outcomes in which something was written. A transfer that goes on has not come to its end. */
const CHANGES: ReadonlySet<string> = new Set(['replicated', 'deleted', 'updated']);

const count = (metrics: Metrics, record: OutcomeRecord): void => {
  switch (record.ending) {
    case 'done':
      if (record.outcome === 'transferring') return;
      if (record.duplicate || !CHANGES.has(record.outcome)) {
        metrics.addMetric('OperationsSkipped', MetricUnit.Count, 1);
        return;
      }
      metrics.addMetric('OperationsReplicated', MetricUnit.Count, 1);
      metrics.addMetric('BytesReplicated', MetricUnit.Bytes, record.bytes);
      if (record.latencySeconds !== null) {
        metrics.addMetric('ReplicationLatency', MetricUnit.Seconds, record.latencySeconds);
      }
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
    case 'quarantine':
      metrics.addMetric('OperationsFailedReplication', MetricUnit.Count, 1);
      return;
  }
};
