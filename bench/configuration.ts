/** The configuration with which the bench measures. Each mode has separate buckets. */
export const SOURCE_BUCKET = 'bench-source';
export const DESTINATION_BUCKET = 'bench-replica';

/** The buckets of the rule with `versions: all`. */
export const HISTORY_SOURCE_BUCKET = 'bench-history-source';
export const HISTORY_DESTINATION_BUCKET = 'bench-history-replica';

/** The buckets of the rule with `copy: server-side`. They are in two regions. */
export const INSIDE_SOURCE_BUCKET = 'bench-inside-source';
export const INSIDE_DESTINATION_BUCKET = 'bench-inside-replica';
export const INSIDE_DESTINATION_REGION = 'eu-central-1';

const destination = (bucket: string, region = 'us-east-1') => ({
  bucket,
  region,
  roleArn: `arn:aws:iam::222222222222:role/s3-replicator-${bucket}`,
  externalId: 'bench-replication',
});

export const CONFIGURATION = {
  name: 's3-replicator',
  rules: [
    {
      id: 'latest',
      source: { bucket: SOURCE_BUCKET },
      versions: 'latest',
      deletes: 'replicate',
      copy: 'stream',
      destinations: [destination(DESTINATION_BUCKET)],
    },
    {
      id: 'all',
      source: { bucket: HISTORY_SOURCE_BUCKET },
      versions: 'all',
      deletes: 'replicate',
      copy: 'stream',
      destinations: [destination(HISTORY_DESTINATION_BUCKET)],
    },
    {
      id: 'inside',
      source: { bucket: INSIDE_SOURCE_BUCKET },
      versions: 'latest',
      copy: 'server-side',
      destinations: [destination(INSIDE_DESTINATION_BUCKET, INSIDE_DESTINATION_REGION)],
    },
  ],
  // If more functions ran at once than the machine has CPUs, they would only wait for each other.
  backfill: { maximumConcurrency: 2, listingConcurrency: 2 },
  transfers: { maximumConcurrency: 2 },
};
