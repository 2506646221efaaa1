/** Headers beyond ASCII, against a server that verifies signatures over the bytes that arrived. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLocalAws, type LocalAws } from '../../local/aws.ts';
import { createBuckets } from '../../src/lib/aws/buckets.ts';
import { createS3Clients } from '../../src/lib/aws/clients.ts';
import type { Buckets } from '../../src/lib/ports.ts';
import { NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { testDestination } from '../model/settings.ts';

let aws: LocalAws;
let buckets: Buckets;
beforeAll(async () => {
  aws = await startLocalAws();
  const accountId = '222222222222';
  aws.s3.createBucket({ name: 'replica', accountId, region: 'eu-central-1' });
  const putRole = (roleName: string, action: string) =>
    aws.iam.putRole({
      accountId,
      roleName,
      assumeRolePolicy: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: accountId } }],
      },
      policies: [{ Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] }],
    });
  putRole('replication', 's3:*');
  putRole('function', 'sts:AssumeRole');
  const { credentials: own } = aws.iam.createSession(
    'arn:aws:iam::222222222222:role/function',
    'test',
    3_600,
  );
  process.env['AWS_ENDPOINT_URL'] = aws.httpEndpoint;
  process.env['AWS_ACCESS_KEY_ID'] = own.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = own.secretAccessKey;
  process.env['AWS_SESSION_TOKEN'] = own.sessionToken;
  const clients = createS3Clients({ region: 'eu-central-1', sessionName: 'test' });
  buckets = createBuckets(clients, new AbortController().signal);
});
afterAll(async () => {
  await aws.stop();
});

// As Node hands out the bytes c3 bc.
const RAW_UTF8 = Buffer.from('attachment; filename=Prüfung – 株.pdf').toString('latin1');

test('a Content-Disposition in raw UTF-8 arrives byte for byte, from a whole body and from a multipart upload', async () => {
  const destination = buckets.destination(testDestination());
  const attributes = { ...NO_ATTRIBUTES, contentDisposition: RAW_UTF8 };
  await destination.put({
    key: 'whole',
    body: Buffer.from('a'),
    sizeBytes: 1,
    attributes,
    precondition: { kind: 'absent' },
    guard: { kind: 'none' },
  });
  expect((await destination.head('whole'))?.attributes.contentDisposition).toBe(RAW_UTF8);
  const { uploadId } = await destination.createUpload({ key: 'parts', attributes, checksum: null });
  await destination.abortUpload({ key: 'parts', uploadId });
});
