/** Log lines and metrics of one invocation: one structured line for each outcome, and metrics with S3's own names. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { OutcomeRecord, Reporter } from '../delivery/outcome.ts';

/** Collects metrics, which are published at the end of the invocation. */
export interface MeteredReporter extends Reporter {
  publish(): void;
}

export const createReporter = (logger: Logger): MeteredReporter => {
  const metrics = new Map<string, Metrics>();
  return {
    report(record) {
      log(logger, record);
      addMetrics(metricsOf(metrics, record), record);
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

/** The dimensions are those of S3's own replication metrics. */
const metricsOf = (known: Map<string, Metrics>, record: OutcomeRecord): Metrics => {
  const dimensions = {
    SourceBucket: record.sourceBucket ?? 'none',
    DestinationBucket: record.destinationBucket ?? 'none',
    RuleId: record.rule ?? 'none',
  };
  const name = JSON.stringify(dimensions);
  const metrics = known.get(name) ?? new Metrics();
  // Default dimensions: Powertools drops the others when it flushes, which it does at a hundred values.
  if (!known.has(name)) metrics.setDefaultDimensions(dimensions);
  known.set(name, metrics);
  return metrics;
};

/** The outcomes that mean something was written. `transferring` is not among them: that object is not replicated yet. */
const CHANGING_OUTCOMES: ReadonlySet<string> = new Set(['replicated', 'deleted', 'updated']);

const addMetrics = (metrics: Metrics, record: OutcomeRecord): void => {
  switch (record.ending) {
    case 'done':
      if (record.outcome === 'transferring') return;
      if (record.duplicate || !CHANGING_OUTCOMES.has(record.outcome)) {
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
