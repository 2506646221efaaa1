/** Runs the local AWS in a separate process. There is a public bucket for each key set, and each call takes 50 ms by default. */
import { createFaultPlan } from '@s3-replicator/local-aws/faults';
import { startLocalAws } from '@s3-replicator/local-aws';
import { KEY_SETS } from './listing-keys.ts';

const [sizeText = '1000', delayText = '50', ...names] = process.argv.slice(2);

const aws = await startLocalAws();
const fill = (name: string, rank: number): string => {
  const set = KEY_SETS.find((each) => each.name === name);
  if (set === undefined) throw new Error(`there is no key set ${name}`);
  const bucket = `listed-${rank}`;
  aws.s3.createBucket({
    name: bucket,
    accountId: '111111111111',
    region: 'us-east-1',
    PublicAccessBlockConfiguration: {},
  });
  aws.s3.setBucketPolicy(bucket, {
    Statement: {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${bucket}`,
    },
  });
  const keys = set.make(Number(sizeText));
  // Objects of this size with this checksum are created fastest, because the local S3 computes nothing from their content.
  const object = { bucket, sizeBytes: 262_144, seed: 1, checksum: { algorithm: 'CRC32' } } as const;
  for (let index = 0; index < keys.size; index += 1)
    aws.s3.createSparseObject({ ...object, key: keys.keyAt(index) });
  return `${aws.httpEndpoint}/${bucket}`;
};
const urls = names.map(fill);
aws.faults.plan = createFaultPlan({
  rules: [{ operation: 's3:*', fault: { kind: 'delay', byMs: Number(delayText) } }],
});
process.on('disconnect', () => void aws.stop().then(() => process.exit()));
process.send?.(urls);
