/** The names of our own metrics in CloudWatch. A metric that S3 replication has too has the same name and dimensions here. */
export const NAMESPACE = 's3-replicator';

/** The metrics that exist always, for each destination of each rule. Each is one custom metric to pay for. */
export const STANDARD_METRICS = [
  'ReplicationLatency',
  'OperationsPendingReplication',
  'OldestPendingAge',
  'OperationsReplicated',
  'BytesReplicated',
  'OperationsFailedReplication',
] as const;

/** The metrics without a rule: what the alarms count for all destinations together, and what no rule wants. */
export const SHARED_METRICS = [
  'DestinationsAvoided',
  'DeletesPaused',
  'OperationsFailedReplication',
] as const;

/** What a record or a metric is about. */
export interface MetricPlace {
  rule: string | null;
  sourceBucket: string | null;
  destinationBucket: string | null;
}

/** What concerns no rule, or all rules together. */
export const NO_PLACE: MetricPlace = { rule: null, sourceBucket: null, destinationBucket: null };

/** Returns the dimensions that S3's own replication metrics have. */
export const dimensionsOf = ({
  rule,
  sourceBucket,
  destinationBucket,
}: MetricPlace): Record<'SourceBucket' | 'DestinationBucket' | 'RuleId', string> => ({
  SourceBucket: sourceBucket ?? 'none',
  DestinationBucket: destinationBucket ?? 'none',
  RuleId: rule ?? 'none',
});
