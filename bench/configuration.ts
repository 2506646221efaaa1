/** The replication.yml of the measurements: one rule, one destination. */
export const SOURCE_BUCKET = 'bench-source';
export const DESTINATION_BUCKET = 'bench-replica';

export const CONFIGURATION = {
  name: 's3-replicator',
  rules: [
    {
      id: 'bench',
      source: { bucket: SOURCE_BUCKET },
      versions: 'latest',
      destinations: [
        {
          bucket: DESTINATION_BUCKET,
          region: 'us-east-1',
          roleArn: 'arn:aws:iam::222222222222:role/s3-replicator-bench',
          externalId: 'bench-replication',
        },
      ],
    },
  ],
};
