/**
 * The metrics of one invocation, as log lines in the embedded metric format. Each combination of a metric and its dimensions costs money,
 * so only `STANDARD_METRICS` exist for each destination of each rule, unless the stack is to have detailed ones (docs/operations.md).
 */
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { OutcomeRecord } from '../../delivery/outcome.ts';
import { dimensionsOf, type MetricPlace, NO_PLACE } from '../../model/metrics.ts';
import type { Pending } from '../../state/deployment-state.ts';
import { operationCost } from '../../state/operation-cost.ts';
import { spreadByAge } from '../../state/pending.ts';

export type MetricForm = 'standard' | 'detailed';

export interface EmbeddedMetrics {
  count(record: OutcomeRecord): void;
  /** Adds the pending work of a destination. */
  pending(place: MetricPlace, pending: Pending): void;
  publish(): void;
}

export const createEmbeddedMetrics = (form: MetricForm): EmbeddedMetrics => {
  const known = new Map<string, Metrics>();
  /**
   * Returns the metrics of a place. A record without a rule gets no place: its bucket name comes from a message, and each
   * invented name would create another metric.
   */
  const at = (place: MetricPlace, more: Record<string, string> = {}): Metrics => {
    const dimensions = { ...dimensionsOf(place.rule === null ? NO_PLACE : place), ...more };
    const name = JSON.stringify(dimensions);
    const metrics = known.get(name) ?? metricsWith(dimensions);
    known.set(name, metrics);
    return metrics;
  };
  return {
    count(record) {
      countStandard(record, at);
      if (form === 'detailed') countDetails(record, at);
    },
    pending(place, pending) {
      const metrics = at(place);
      metrics.addMetric('OperationsPendingReplication', MetricUnit.Count, pending.operations);
      metrics.addMetric('OldestPendingAge', MetricUnit.Seconds, pending.oldestSeconds ?? 0);
      if (form === 'standard') return;
      if (pending.bytes !== null)
        metrics.addMetric('BytesPendingReplication', MetricUnit.Bytes, pending.bytes);
      for (const [Age, operations] of Object.entries(spreadByAge(pending)))
        at(place, { Age }).addMetric('OperationsPendingReplication', MetricUnit.Count, operations);
    },
    publish() {
      // Powertools warns if it publishes metrics that hold no values. That would happen here after it has published a hundred values by
      // itself.
      for (const each of known.values()) if (each.hasStoredMetrics()) each.publishStoredMetrics();
      known.clear();
    },
  };
};

/**
 * Returns metrics with exactly these dimensions. Powertools adds a dimension `service` by itself, which is removed: CloudWatch
 * finds a metric only by all of its dimensions. The dimensions are set as default dimensions because Powertools drops all other
 * dimensions when it flushes. It flushes after every hundred values.
 */
export const metricsWith = (dimensions: Record<string, string>): Metrics => {
  const metrics = new Metrics();
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
  return metrics;
};

type At = (place: MetricPlace, more?: Record<string, string>) => Metrics;

/**
 * The outcomes that mean that the destination has changed. `transferring` is not one of them, because the object is not replicated yet.
 */
const CHANGING_OUTCOMES: ReadonlySet<string> = new Set(['replicated', 'deleted', 'updated']);

const countStandard = (record: OutcomeRecord, at: At): void => {
  switch (record.ending) {
    case 'done': {
      if (record.duplicate || !CHANGING_OUTCOMES.has(record.outcome)) return;
      const metrics = at(record);
      metrics.addMetric('OperationsReplicated', MetricUnit.Count, 1);
      metrics.addMetric('BytesReplicated', MetricUnit.Bytes, record.bytes);
      if (record.latencySeconds !== null)
        metrics.addMetric('ReplicationLatency', MetricUnit.Seconds, record.latencySeconds);
      return;
    }
    case 'quarantine':
      return void at(record).addMetric('OperationsFailedReplication', MetricUnit.Count, 1);
    // These metrics have no place, because the alarms count the destinations of all rules together.
    case 'avoided':
      return void at(NO_PLACE).addMetric('DestinationsAvoided', MetricUnit.Count, 1);
    case 'paused':
      return void at(NO_PLACE).addMetric('DeletesPaused', MetricUnit.Count, 1);
    default:
      return;
  }
};

const countDetails = (record: OutcomeRecord, at: At): void => {
  switch (record.ending) {
    case 'done': {
      if (record.outcome === 'transferring') return;
      const metrics = at(record);
      if (record.duplicate || !CHANGING_OUTCOMES.has(record.outcome))
        metrics.addMetric('OperationsSkipped', MetricUnit.Count, 1);
      if (record.duplicate) return;
      const { calls, dollars } = operationCost(record);
      metrics.addMetric('Calls', MetricUnit.Count, calls);
      metrics.addMetric('EstimatedDollars', MetricUnit.NoUnit, dollars);
      return;
    }
    case 'skip':
      return void at(record).addMetric('OperationsSkipped', MetricUnit.Count, 1);
    case 'retry':
      return void at(record).addMetric('OperationsRetried', MetricUnit.Count, 1);
    case 'quarantine':
      return void at(record, { Reason: record.reason }).addMetric(
        'OperationsFailedReplication',
        MetricUnit.Count,
        1,
      );
    default:
      return;
  }
};
