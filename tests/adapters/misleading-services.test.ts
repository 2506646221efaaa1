/**
 * Answers of other S3 services that are wrong, or that AWS would not give. A scripted server plays the service, and also returns the secret
 * with the access key.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import { createS3Clients } from '../../src/lib/aws/s3/client/clients.ts';
import type { DestinationBucket } from '../../src/lib/model/ports.ts';
import { type Answer, s3Error } from '../model/scripted-aws.ts';
import { testDestination } from '../model/settings.ts';
import { aws, forgetRequests, startScript, stopScript } from './scripted-s3.ts';

beforeAll(startScript);
afterAll(stopScript);
beforeEach(forgetRequests);

const KEY = JSON.stringify({ accessKeyId: 'AKIASERVICE', secretAccessKey: 'of the service' });

const answerWith = (answer: Answer): void => {
  aws.answer = (request, response, body) => {
    if (request.headers['x-amz-target'] === undefined) return answer(request, response, body);
    response
      .setHeader('content-type', 'application/x-amz-json-1.1')
      .end(JSON.stringify({ SecretString: KEY }));
  };
};

/** Each call returns a bucket with clients of its own, because clients remember the clock of a service. */
const replica = (): DestinationBucket => {
  const clients = createS3Clients({
    region: 'eu-central-1',
    sessionName: 'test',
    ownAccount: async () => '111111111111',
  });
  return createBuckets(clients, new AbortController().signal).destination({
    ...testDestination({ bucket: 'replica' }),
    roleArn: null,
    externalId: null,
    account: null,
    service: { endpoint: aws.endpoint, addressing: 'path', secretArn: SECRET },
    conditionalWrites: 'required',
  });
};
const SECRET = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:replica-AbCdEf';

const toService = () => aws.seen.filter(({ headers }) => headers['x-amz-target'] === undefined);

const complete = () =>
  replica().completeUpload({
    key: 'k',
    uploadId: 'u',
    parts: [{ partNumber: 1, etag: '"e"', checksum: null }],
    sizeBytes: 1,
    checksum: null,
    precondition: { kind: 'absent' },
  });

test('another service is not told the size of an upload, which S3Proxy answers with 501', async () => {
  answerWith((request, response) => {
    if ('x-amz-mp-object-size' in request.headers) s3Error(response, 501, 'NotImplemented');
    else response.end('<CompleteMultipartUploadResult><ETag>"e-1"</ETag></CompleteMultipartUploadResult>');
  });
  expect(await complete()).toMatchObject({ etag: '"e-1"' });
});

test('a completion that is answered 200 without an ETag is not called written', async () => {
  answerWith((_request, response) => response.end('<CompleteMultipartUploadResult/>'));
  await expect(complete()).rejects.toMatchObject({ reason: 'service-error' });
});

test.each([301, 302, 307, 308])(
  'a redirect (%i) to another host is not followed, so no key reaches it',
  async (status) => {
    const reached: IncomingMessage[] = [];
    const elsewhere = createServer((request, response) => {
      reached.push(request);
      response.end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/replica/k`;
    answerWith((_request, response) => response.writeHead(status, { location }).end());
    await expect(replica().look('k')).rejects.toMatchObject({ name: 'ReplicationError' });
    expect(reached).toEqual([]);
    elsewhere.close();
  },
);

test('the clock of a service that is two hours ahead is used for the next request', async () => {
  const aheadMs = Date.now() + 2 * 3_600_000;
  const isRight = (request: IncomingMessage): boolean => {
    const [, day = '', time = ''] = /^(\d{8})T(\d{4})/.exec(String(request.headers['x-amz-date'])) ?? [];
    const expected = new Date(aheadMs).toISOString().replaceAll(/[-:]/g, '');
    return `${day}T${time.slice(0, 2)}` === expected.slice(0, 11);
  };
  answerWith((request, response) => {
    response.setHeader('date', new Date(aheadMs).toUTCString());
    if (isRight(request)) response.setHeader('etag', '"e"').end();
    else s3Error(response, 403, 'RequestTimeTooSkewed');
  });
  await replica()
    .tags('k', null)
    .catch(() => undefined);
  expect(toService().length).toBeGreaterThan(1);
  expect(isRight(toService().at(-1) as unknown as IncomingMessage)).toBe(true);
});

test('an object that the service shows without an ETag is an error, because no condition could protect it', async () => {
  answerWith((_request, response) => response.writeHead(200, { 'content-length': '0' }).end());
  await expect(replica().look('k')).rejects.toMatchObject({ reason: 'service-error' });
});

test.each(['"5d41402abc4b2a76b9719d911017c592"', 'W/"weak"', 'bare'])(
  'the ETag %s returns to the service as it came, in the condition of a delete',
  async (etag) => {
    answerWith((request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { etag, 'content-length': '1' }).end();
      else response.writeHead(204).end();
    });
    const bucket = replica();
    const shown = await bucket.look('k');
    expect(shown).toMatchObject({ kind: 'object', state: { etag } });
    await bucket.remove({ key: 'k', etag });
    expect(toService().at(-1)?.headers['if-match']).toBe(etag);
  },
);

test('tags that a service does not know are an error that names them', async () => {
  answerWith((_request, response) => s3Error(response, 501, 'NotImplemented'));
  await expect(replica().putTags('k', null, { a: 'b' })).rejects.toMatchObject({
    reason: 'invalid-request',
    message: expect.stringContaining('PutObjectTagging'),
  });
});
