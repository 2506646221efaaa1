/** The local AWS in a process of its own, with a bucket full of objects that anybody may list, 50 ms a page. */
import { createFaultPlan } from '../local/faults/fault-plan.ts';
import { startLocalAws } from '../local/aws.ts';
import { uuids } from './listing-keys.ts';

const BUCKET = 'listed';
const [sizeText = '1000', delayText = '50'] = process.argv.slice(2);

const aws = await startLocalAws();
aws.s3.createBucket({
  name: BUCKET,
  accountId: '111111111111',
  region: 'us-east-1',
  PublicAccessBlockConfiguration: {},
});
aws.s3.setBucketPolicy(BUCKET, {
  Statement: {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:ListBucket',
    Resource: `arn:aws:s3:::${BUCKET}`,
  },
});
const keys = uuids(Number(sizeText));
// Of this size nothing is computed from the content, which makes them fastest.
const object = { bucket: BUCKET, sizeBytes: 262_144, seed: 1, checksum: { algorithm: 'CRC32' } } as const;
for (let rank = 0; rank < keys.size; rank += 1)
  aws.s3.createSparseObject({ ...object, key: keys.keyAt(rank) });
aws.faults.plan = createFaultPlan({
  rules: [{ operation: 's3:*', fault: { kind: 'delay', byMs: Number(delayText) } }],
});
process.on('disconnect', () => void aws.stop().then(() => process.exit()));
process.send?.(`${aws.httpEndpoint}/${BUCKET}`);
