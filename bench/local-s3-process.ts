/** Runs the local AWS in a separate process. Its bucket is public, so that the bare client need not sign its requests. */
import { readFileSync } from 'node:fs';
import { startLocalAws } from '@s3-replicator/local-aws';
import { LOCAL_BUCKET, type LocalS3Report } from './local-s3-server.ts';

const OWNER = '111111111111';
const aws = await startLocalAws();
aws.s3.createBucket({
  name: LOCAL_BUCKET,
  accountId: OWNER,
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
/**
 * Reads the peak memory from Linux's /proc. On Linux the maxRSS of getrusage is not used, because it starts with the value that the parent
 * process had at the time of the fork.
 */
const peakRssBytes = (): number => {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
};
const report = (): void => {
  const { user, system } = process.cpuUsage();
  process.send?.({
    endpoint: aws.httpEndpoint,
    httpsEndpoint: aws.endpoint,
    caFile: aws.caFile,
    credentials: aws.root(OWNER),
    peakRssBytes: peakRssBytes(),
    cpuSeconds: (user + system) / 1e6,
  } satisfies LocalS3Report);
};
process.on('message', (message) => {
  if (typeof message === 'number') aws.clock.advance(message);
  report();
});
process.on('disconnect', () => void aws.stop().then(() => process.exit()));
report();
