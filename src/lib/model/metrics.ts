/** The names of our own metrics in CloudWatch. If S3 replication has the same metric, ours has the same name and dimensions. */
export const NAMESPACE = 's3-replicator';

/** The metrics that are always emitted. Each name costs one custom metric for each destination of each rule. */
export const STANDARD_METRICS = [
  'ReplicationLatency',
  'OperationsPendingReplication',
  'OldestPendingAge',
  'OperationsReplicated',
  'BytesReplicated',
  'OperationsFailedReplication',
] as const;

/**
 * The metrics without a rule: the sums over all destinations that the alarms use, and the counts of objects that no rule wants.
 */
export const SHARED_METRICS = [
  'DestinationsAvoided',
  'DeletesPaused',
  'OperationsFailedReplication',
] as const;

/** The metric that the alarm of scheduled verifies uses. It exists only if a rule has a schedule. */
export const VERIFIES_FAILING = 'VerifiesFailing';

/** The subject of a record or a metric. */
export interface MetricPlace {
  rule: string | null;
  sourceBucket: string | null;
  destinationBucket: string | null;
}

/** The subject of records and metrics that concern no rule, or all rules together. */
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
