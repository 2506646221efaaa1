import { execFile } from 'node:child_process';
import { once as next } from 'node:events';
import { request as send, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AwsRequest, AwsService } from '../../src/core/request.ts';
import { presign } from './presign.ts';
import { accountId, type CoreServices, region, startCoreServices } from '../core-services.ts';

let services: CoreServices;
let received: { request: AwsRequest; body: Buffer }[] = [];

/**
 * A stand-in for S3. It accepts every object. When read, an object contains its own path, except that
 * `/b/large` has 100 MB of zeros.
 */
const echo: AwsService = {
  async handle(request, response) {
    if (request.method === 'GET' && request.path === '/b/large') {
      const zeros = Array.from({ length: 100 }, () => Buffer.alloc(1024 * 1024));
      await pipeline(Readable.from(zeros), response);
      return;
    }
    const body = await buffer(request.body);
    received.push({ request, body });
    const content = request.method === 'GET' ? decodeURIComponent(request.path) : '';
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(content), ETag: '"0"' });
    response.end(content);
  },
};

beforeAll(async () => {
  services = await startCoreServices({ s3: echo });
});
afterAll(() => services.close());
beforeEach(() => {
  received = [];
  services.faults.plan = undefined;
});

function s3Client(scheme: 'http' | 'https' = 'https'): S3Client {
  return new S3Client({ ...services.clientOptions(undefined, scheme), forcePathStyle: true });
}

test('an SDK client is recognised over HTTP and HTTPS, and the service learns the transport', async () => {
  for (const scheme of ['http', 'https'] as const) {
    const sts = new STSClient(services.clientOptions(undefined, scheme));
    await expect(sts.send(new GetCallerIdentityCommand())).resolves.toMatchObject({ Account: accountId });
    await s3Client(scheme).send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' }));
  }
  expect(received.map(({ request }) => request.secureTransport)).toEqual([false, true]);
  expect(received[0]?.request).toMatchObject({ service: 's3', region, method: 'PUT', path: '/b/k' });
  expect(received[0]?.request.caller).toMatchObject({ kind: 'root', accountId });
});

test('a process with the CA file in NODE_EXTRA_CA_CERTS can use the HTTPS endpoint', async () => {
  const script = `fetch(process.argv[1]).then((r) => console.log(r.status), (e) => console.log(String(e.cause)))`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', script, `${services.front.httpsEndpoint}/b/k`],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: services.front.caFile } },
  );
  expect(stdout.trim()).toBe('200');
});

test.each(['plain', 'with space', 'a//b', './../x', 'ü/ß/日本/🎉', "!'()*~+&=?#%", 'a%2Fb', 'tab\there'])(
  'the signature of a request for the key %j is accepted',
  async (key) => {
    await s3Client().send(new PutObjectCommand({ Bucket: 'b', Key: key, Body: 'x' }));
    const answer = await s3Client().send(new GetObjectCommand({ Bucket: 'b', Key: key }));
    expect(await answer.Body?.transformToString()).toBe(`/b/${key}`);
  },
);

test('metadata outside ASCII does not break the signature', async () => {
  const put = new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x', Metadata: { name: 'Jos\u00e9' } });
  await expect(s3Client().send(put)).resolves.toMatchObject({ ETag: '"0"' });
});

test('every service words the refusal of a wrong secret, key or token in its own way', async () => {
  const root = services.iam.rootCredentials(accountId);
  const wrongSecret = { ...root, secretAccessKey: 'wrong' };
  const unknown = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' };
  const session = services.sessionOf('words', []);
  const wrongToken = { ...session, sessionToken: 'other' };
  const names = async (credentials: { accessKeyId: string; secretAccessKey: string }): Promise<unknown[]> => {
    const options = services.clientOptions(credentials);
    const s3 = new S3Client({ ...options, forcePathStyle: true });
    return Promise.all(
      [
        s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' })),
        new STSClient(options).send(new GetCallerIdentityCommand()),
        new SQSClient(options).send(new ListQueuesCommand()),
      ].map((answer: Promise<unknown>) => answer.then(() => 'ok').catch((error: Error) => error.name)),
    );
  };
  const wrong = 'SignatureDoesNotMatch';
  expect(await names(wrongSecret)).toEqual([wrong, wrong, wrong]);
  expect(await names(unknown)).toEqual([
    'InvalidAccessKeyId',
    'InvalidClientTokenId',
    'InvalidClientTokenId',
  ]);
  expect(await names(wrongToken)).toEqual(['InvalidToken', 'InvalidClientTokenId', 'InvalidClientTokenId']);
  expect(await names(session)).toEqual(['ok', 'ok', 'AccessDenied']);
  services.iam.expireSessions(`arn:aws:iam::${accountId}:role/words`);
  expect(await names(session)).toEqual(['ExpiredToken', 'ExpiredToken', 'ExpiredToken']);
});

test('a client with a wrong clock is refused, and corrects its clock from the Date header', async () => {
  const later = await startCoreServices();
  later.clock.advance(20 * 60_000);
  const options = later.clientOptions();
  const once = new STSClient({ ...options, maxAttempts: 1 });
  await expect(once.send(new GetCallerIdentityCommand())).rejects.toThrow('Signature expired');
  const twice = new STSClient({ ...options, maxAttempts: 2 });
  await expect(twice.send(new GetCallerIdentityCommand())).resolves.toMatchObject({ Account: accountId });
  await later.close();
});

test('an unsigned request to S3 is anonymous', async () => {
  await fetch(`${services.front.httpEndpoint}/b/k?list-type=2`);
  expect(received[0]?.request).toMatchObject({
    service: 's3',
    caller: { kind: 'anonymous' },
    query: 'list-type=2',
  });
});

test('a request for a service that does not exist is refused with the name of the service', async () => {
  const client = new DynamoDBClient(services.clientOptions());
  const answer = client.send(new ListTablesCommand());
  await expect(answer).rejects.toMatchObject({
    name: 'NotImplemented',
    message: 'the local AWS does not support the service dynamodb',
    $metadata: { httpStatusCode: 501 },
  });
});

test('a fault plan can answer with an error, cut before or after the effect, or truncate', async () => {
  const get = (): Promise<string> =>
    s3Client()
      .send(new GetObjectCommand({ Bucket: 'b', Key: 'some-key' }))
      .then(async (answer) => (await answer.Body?.transformToString()) ?? '')
      .catch((error: Error) => error.name);
  services.faults.plan = () => ({ kind: 'error', status: 503, code: 'SlowDown' });
  expect(await get()).toBe('SlowDown');
  expect(received).toHaveLength(0);
  services.faults.plan = () => ({ kind: 'reset-before' });
  expect(await get()).toMatch(/Error|ECONNRESET/);
  expect(received).toHaveLength(0);
  services.faults.plan = () => ({ kind: 'reset-after' });
  expect(await get()).toMatch(/Error|ECONNRESET/);
  expect(received).toHaveLength(1);
  services.faults.plan = () => ({ kind: 'truncate', afterBytes: 4 });
  expect(await get()).toMatch(/Error/);
  expect(received).toHaveLength(2);
  services.faults.plan = undefined;
  expect(await get()).toBe('/b/some-key');
});

test('an upload with Expect: 100-continue is accepted', async () => {
  const s3 = new S3Client({ ...services.clientOptions(), forcePathStyle: true });
  const body = Buffer.alloc(5 * 1024 * 1024, 7);
  await s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'large', Body: body }));
  expect(received[0]?.request.headers.expect).toBe('100-continue');
  expect(received[0]?.body.length).toBe(body.length);
});

test('a streamed upload is accepted over HTTP and HTTPS', async () => {
  for (const scheme of ['http', 'https'] as const) {
    const Body = Readable.from([Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)]);
    await s3Client(scheme).send(
      new PutObjectCommand({ Bucket: 'b', Key: 'k', Body, ContentLength: 200_000 }),
    );
    expect(received.at(-1)?.body.length).toBeGreaterThanOrEqual(200_000);
  }
});

test('a presigned URL works until it expires, and only for its own request', async () => {
  const signed = presign(services, '/b/some%20key', 60);
  expect((await fetch(signed)).status).toBe(200);
  expect(received.at(-1)?.request.caller).toMatchObject({ kind: 'root', accountId });
  const other = await fetch(signed.replace('some%20key', 'another'));
  expect(await other.text()).toContain('<Code>SignatureDoesNotMatch</Code>');
  const late = await fetch(presign(services, '/b/some%20key', 60, { atMs: Date.now() - 61_000 }));
  expect(late.status).toBe(403);
  const expired = await late.text();
  expect(expired).toContain('<Message>Request has expired</Message>');
  expect(expired).toMatch(/<X-Amz-Expires>60<.*<Expires>\d{4}-\S+Z<.*<ServerTime>\d{4}-\S+Z</);
});

test('the signature covers the values of a repeated header as a list without spaces', async () => {
  const url = presign(services, '/b/k', 60, { meta: 'one,two, three' });
  const [answer] = (await next(
    send(url, { headers: { 'x-amz-meta-a': ['one', ' two, three'] } }).end(),
    'response',
  )) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  answer.resume();
});

test('a header that affects the request in S3 must be signed', async () => {
  const answer = await fetch(presign(services, '/b/k', 60), { headers: { 'x-amz-acl': 'public-read' } });
  expect(await answer.text()).toContain('<HeadersNotSigned>x-amz-acl</HeadersNotSigned>');
});

test('an upload is refused before its bytes are sent', async () => {
  const { port } = new URL(services.front.httpEndpoint);
  const socket = connect(Number(port), '127.0.0.1');
  services.faults.plan = () => ({ kind: 'error', status: 403, code: 'AccessDenied' });
  socket.write('PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n');
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/);
  expect(answer).toMatch(/\r\nConnection: close\r\n/i);
});

test('a client that stops reading a large answer does not block other requests', async () => {
  for (const scheme of ['http', 'https'] as const) {
    const answer = await s3Client(scheme).send(new GetObjectCommand({ Bucket: 'b', Key: 'large' }));
    const body = answer.Body;
    if (!(body instanceof Readable)) throw new Error('no stream');
    await new Promise((resolve) => body.once('data', resolve));
    body.destroy();
  }
  await expect(s3Client().send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))).resolves.toBeDefined();
});

test('a client that disconnects in the middle does not affect others', async () => {
  const { port } = new URL(services.front.httpEndpoint);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc');
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.resetAndDestroy();
  await s3Client('http').send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' }));
  expect(received.at(-1)?.body.toString()).toBe('x');
});

test('closing does not wait for a client that never began its TLS handshake', async () => {
  const other = await startCoreServices();
  const client = connect({ port: Number(new URL(other.front.httpsEndpoint).port), host: '127.0.0.1' });
  const ended = new Promise((resolve) => {
    client.once('close', resolve).on('error', () => undefined);
  });
  await new Promise((resolve) => {
    client.once('connect', resolve);
  });
  await other.close();
  await ended;
});
