/** The local AWS in a process of its own, with a bucket that anybody may use, so that no client pays for signatures. */
import { startLocalAws } from '../local/aws.ts';
import { LOCAL_BUCKET, type LocalS3Report } from './local-s3-server.ts';

const aws = await startLocalAws();
aws.s3.createBucket({
  name: LOCAL_BUCKET,
  accountId: '111111111111',
  region: 'us-east-1',
  PublicAccessBlockConfiguration: {},
});
aws.s3.setBucketPolicy(LOCAL_BUCKET, {
  Statement: {
    Effect: 'Allow',
    Principal: '*',
    Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    Resource: `arn:aws:s3:::${LOCAL_BUCKET}/*`,
  },
});
const report = (): void => {
  const { user, system } = process.cpuUsage();
  process.send?.({
    endpoint: aws.httpEndpoint,
    // In kibibytes.
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    cpuSeconds: (user + system) / 1e6,
  } satisfies LocalS3Report);
};
process.on('message', report);
process.on('disconnect', () => void aws.stop().then(() => process.exit()));
report();
