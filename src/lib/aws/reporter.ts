/**
 * Log lines and metrics of one invocation. Each outcome is logged as one structured line. The metrics have the names of S3's own
 * replication metrics.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { type LoggedKeys, withoutKey } from '../text/hashed-key.ts';
import type { OutcomeRecord, Reporter } from '../delivery/outcome.ts';
import {
  createEmbeddedMetrics,
  type EmbeddedMetrics,
  type MetricForm,
} from './cloudwatch/embedded-metrics.ts';

/** A reporter that also collects metrics. `publish` is called at the end of the invocation. */
export interface MeteredReporter extends Reporter, Pick<EmbeddedMetrics, 'pending' | 'publish'> {}

export const createReporter = (
  logger: Logger,
  {
    loggedKeys = 'plain',
    metricForm = 'standard',
  }: { loggedKeys?: LoggedKeys; metricForm?: MetricForm } = {},
): MeteredReporter => {
  const metrics = createEmbeddedMetrics(metricForm);
  return {
    report(record) {
      log(logger, loggedKeys === 'hashed' ? withoutItsKey(record) : record);
      metrics.count(record);
    },
    pending: metrics.pending,
    publish: metrics.publish,
  };
};

/** Removes the key from the text of `detail`, because the logger cannot find and hash a key within a text. */
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
