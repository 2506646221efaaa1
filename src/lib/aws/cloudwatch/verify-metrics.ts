/** The metric of scheduled verifies, as a log line in the embedded metric format. */
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { NO_PLACE, dimensionsOf, VERIFIES_FAILING } from '../../model/metrics.ts';
import type { VerifyMetrics } from '../../runs/verify-record.ts';
import { metricsWith } from './embedded-metrics.ts';

export const createVerifyMetrics = (): VerifyMetrics => ({
  failing(destinations) {
    const metrics = metricsWith(dimensionsOf(NO_PLACE));
    metrics.addMetric(VERIFIES_FAILING, MetricUnit.Count, destinations);
    metrics.publishStoredMetrics();
  },
});
