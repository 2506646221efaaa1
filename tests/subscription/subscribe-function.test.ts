/** The subscribe function as CloudFormation invokes it. The real SDK sends its requests to a scripted S3. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { bucketSubscription } from '../../src/lib/subscription/bucket-subscription.ts';
import { answerCustomResource, sendAnswer } from '../../src/lib/subscription/custom-resource.ts';
import { createBucketNotifications } from '../../src/lib/aws/s3/bucket-notifications.ts';
import { BUCKET, QUEUE, wanted } from './fixtures.ts';
import { createMemoryStore } from './memory-twins.ts';
import { EMPTY, startScriptedS3 } from './scripted-s3.ts';
import type { ScriptedS3 } from './scripted-s3.ts';

const THEIRS =
  '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration><Id>thumbnails</Id>' +
  '<CloudFunction>arn:aws:lambda:us-east-1:111111111111:function:thumbnails</CloudFunction><Event>s3:ObjectCreated:Put</Event>' +
  '<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>photos/</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>' +
  '<EventBridgeConfiguration/></NotificationConfiguration>';

const ACCESS_DENIED = { status: 403, code: 'AccessDenied' };
const INVALID = { status: 400, code: 'InvalidArgument' };
const BROKEN = { status: 500, code: 'InternalError' };

let s3: ScriptedS3;
/** The times in milliseconds for which the function would have waited. */
let slept: number[];
let store: ReturnType<typeof createMemoryStore>;

beforeEach(async () => {
  s3 = await startScriptedS3();
  s3.buckets.set(BUCKET, THEIRS);
  slept = [];
  store = createMemoryStore();
  vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await s3[Symbol.asyncDispose]();
});

const invoke = async (RequestType: string, more: Record<string, unknown> = {}) => {
  const event = {
    RequestType,
    ResponseURL: s3.answerUrl,
    StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/s3-replicator-prod/1',
    RequestId: 'request-1',
    LogicalResourceId: 'SubscriptionAcmeDocuments',
    ResourceType: 'Custom::BucketSubscription',
    ResourceProperties: { ServiceToken: 'arn:function', ServiceTimeout: '120', ...wanted },
    ...more,
  };
  const resource = bucketSubscription({
    notifications: createBucketNotifications(new AbortController().signal),
    store,
    clock: { now: () => 0, sleep: (ms) => Promise.resolve(void slept.push(ms)) },
  });
  await answerCustomResource(event, resource, sendAnswer);
  const answer = s3.answers.at(-1);
  if (!answer) throw new Error('no answer was sent');
  return answer;
};

const failTimes = (count: number, failure: { status: number; code: string }) => Array(count).fill(failure);

test('a Create request subscribes the bucket beside the entries of others and answers with an id that contains the bucket', async () => {
  const { body, contentType } = await invoke('Create');

  expect(body).toEqual({
    Status: 'SUCCESS',
    Reason: '',
    PhysicalResourceId: 's3-replicator-prod:acme-documents',
    StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/s3-replicator-prod/1',
    RequestId: 'request-1',
    LogicalResourceId: 'SubscriptionAcmeDocuments',
    Data: {},
  });
  expect(contentType ?? '').toBe('');
  const configuration = s3.buckets.get(BUCKET);
  for (const kept of ['thumbnails', 'photos/', '<EventBridgeConfiguration', QUEUE, 'invoices/']) {
    expect(configuration).toContain(kept);
  }
  // The function reads the configuration, writes it, and reads it again.
  expect(s3.requests).toEqual([`GET ${BUCKET}`, `PUT ${BUCKET}`, `GET ${BUCKET}`]);
});

test('a Create request that is delivered twice does nothing the second time', async () => {
  await invoke('Create');
  const before = s3.buckets.get(BUCKET);

  expect((await invoke('Create')).body['Status']).toBe('SUCCESS');
  expect(s3.buckets.get(BUCKET)).toBe(before);
  expect(s3.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(1);
});

test('an Update request and its rollback change only our entries', async () => {
  await invoke('Create');
  const update = { PhysicalResourceId: 's3-replicator-prod:acme-documents' };
  await invoke('Update', {
    ...update,
    ResourceProperties: { ...wanted, filters: [{ prefix: 'contracts/', suffix: '' }] },
  });

  expect(s3.buckets.get(BUCKET)).toContain('contracts/');
  expect(s3.buckets.get(BUCKET)).not.toContain('invoices/');

  await invoke('Update', { ...update, ResourceProperties: wanted });
  expect(s3.buckets.get(BUCKET)).toContain('invoices/');
  expect(s3.buckets.get(BUCKET)).toContain('thumbnails');
});

test('an Update request from the first version, which named no event types, and its rollback each set the event types of their target version', async () => {
  const { eventTypes: _, ...former } = wanted;
  const update = { PhysicalResourceId: 's3-replicator-prod:acme-documents' };
  await invoke('Create', { ResourceProperties: former });
  expect(s3.buckets.get(BUCKET)).toContain('<Event>s3:ObjectCreated:*</Event>');
  expect(s3.buckets.get(BUCKET)).not.toContain('s3:ObjectTagging');

  await invoke('Update', update);
  expect(s3.buckets.get(BUCKET)).toContain('<Event>s3:ObjectTagging:*</Event>');

  await invoke('Update', { ...update, ResourceProperties: former });
  expect(s3.buckets.get(BUCKET)).toContain('<Event>s3:ObjectCreated:*</Event>');
  expect(s3.buckets.get(BUCKET)).not.toContain('s3:ObjectTagging');
  expect(s3.buckets.get(BUCKET)).toContain('thumbnails');
});

test('an Update request for another bucket answers with another id, so that CloudFormation deletes the former subscription', async () => {
  s3.buckets.set('acme-other', EMPTY);
  const { body } = await invoke('Update', {
    PhysicalResourceId: 's3-replicator-prod:acme-documents',
    ResourceProperties: { ...wanted, bucket: 'acme-other' },
  });

  expect(body['PhysicalResourceId']).toBe('s3-replicator-prod:acme-other');
});

test('an error code of S3 that is the name of a property of every object is an unknown code', async () => {
  s3.failures.GET = failTimes(99, { status: 400, code: 'constructor' });
  const { body } = await invoke('Create');
  expect(body).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('constructor: ') });
});

test('a Delete request removes our entry and keeps the entries of others', async () => {
  await invoke('Create');
  const { body } = await invoke('Delete', { PhysicalResourceId: 's3-replicator-prod:acme-documents' });

  expect(body['Status']).toBe('SUCCESS');
  expect(s3.buckets.get(BUCKET)).not.toContain(QUEUE);
  expect(s3.buckets.get(BUCKET)).toContain('thumbnails');
  expect(s3.buckets.get(BUCKET)).toContain('<EventBridgeConfiguration');
});

test('a Delete request for a bucket that no longer exists succeeds', async () => {
  s3.buckets.clear();
  expect((await invoke('Delete', { PhysicalResourceId: 'x' })).body['Status']).toBe('SUCCESS');
});

test('a Delete request without permission fails, because a stale entry would block everybody', async () => {
  await invoke('Create');
  s3.failures.GET = failTimes(99, ACCESS_DENIED);
  const { body } = await invoke('Delete', { PhysicalResourceId: 's3-replicator-prod:acme-documents' });

  expect(body['Status']).toBe('FAILED');
  expect(body['PhysicalResourceId']).toBe('s3-replicator-prod:acme-documents');
  expect(body['Reason']).toMatch(/AccessDenied.*bucket policy/s);
});

test('a Create request retries until the queue policy and the role are known everywhere', async () => {
  s3.failures.GET = [ACCESS_DENIED];
  s3.failures.PUT = [INVALID, INVALID];

  expect((await invoke('Create')).body['Status']).toBe('SUCCESS');
  expect(slept).toEqual([1000, 2000, 4000]);
});

test('a Create request waits longer for a queue policy than S3 may need to know it, and its pauses fit into the time of the function', async () => {
  s3.failures.PUT = failTimes(7, INVALID);

  expect((await invoke('Create')).body['Status']).toBe('SUCCESS');
  const waitedMs = slept.reduce((sum, ms) => sum + ms, 0);
  expect(waitedMs).toBeGreaterThan(60_000);

  slept = [];
  s3.failures.PUT = failTimes(99, INVALID);
  await invoke('Update', { ResourceProperties: { ...wanted, filters: [] } });
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(120_000);
});

test('a Create request for a bucket in another region fails at once, names the region and says what to do', async () => {
  s3.failures.GET = [
    { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-1' } },
  ];
  const { body } = await invoke('Create');

  expect(body['Reason']).toMatch(/the bucket is in eu-west-1.*`region` set to that region/s);
  expect(slept).toEqual([]);
});

test('a Create request that S3 refuses permanently fails with advice, and its Delete request changes nothing', async () => {
  s3.failures.PUT = failTimes(99, INVALID);
  const { body } = await invoke('Create');

  expect(body['Status']).toBe('FAILED');
  expect(body['Reason']).toMatch(/InvalidArgument.*still exists and lets the bucket send/s);

  s3.requests = [];
  const roll = await invoke('Delete', { PhysicalResourceId: body['PhysicalResourceId'] });
  expect(roll.body['Status']).toBe('SUCCESS');
  expect(s3.requests).toEqual([]);
});

test('a Create request that overlaps with an entry of others fails at once and names the entry', async () => {
  s3.buckets.set(BUCKET, THEIRS.replace('photos/', 'invoices/2026/'));
  const { body } = await invoke('Create');

  expect(body['Status']).toBe('FAILED');
  expect(body['Reason']).toMatch(/"thumbnails".*events: eventbridge/s);
  expect(s3.requests).toEqual([`GET ${BUCKET}`]);
});

test('a Create request for a bucket that does not exist fails at once', async () => {
  s3.buckets.clear();
  const { body } = await invoke('Create');

  expect(body).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('Create the bucket acme-documents first'),
  });
  expect(slept).toEqual([]);
});

test('a Create request notices that another writer replaced the configuration, and the entries of both writers end up in it', async () => {
  s3.afterPut = () => {
    s3.afterPut = () => {};
    // The other writer read the configuration before our write and replaces it after our write.
    s3.buckets.set(BUCKET, THEIRS.replace('thumbnails', 'their-new-entry'));
  };
  const { body } = await invoke('Create');

  expect(body['Status']).toBe('SUCCESS');
  expect(s3.buckets.get(BUCKET)).toContain('their-new-entry');
  expect(s3.buckets.get(BUCKET)).toContain(QUEUE);
});

test('a Create request that loses against another writer every time leaves nothing of ours', async () => {
  s3.afterPut = () => s3.buckets.set(BUCKET, THEIRS);
  const { body } = await invoke('Create');

  expect(body).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('another writer keeps replacing'),
  });
  expect(s3.buckets.get(BUCKET)).toBe(THEIRS);
});

test('a Create request that may have left an entry answers with an id whose Delete request removes the entry', async () => {
  s3.failures.PUT = failTimes(99, BROKEN);
  const { body } = await invoke('Create');
  expect(body['Status']).toBe('FAILED');
  expect(s3.buckets.get(BUCKET)).toBe(THEIRS);

  // The first writes fail, and after the first read every further read fails. The function cannot check
  // whether a write took effect.
  s3.failures.PUT = [BROKEN, BROKEN, BROKEN];
  s3.failures.GET = [null, ...failTimes(99, BROKEN)];
  const second = await invoke('Create');
  expect(second.body['PhysicalResourceId']).toBe('s3-replicator-prod:acme-documents');
  expect(second.body['Reason']).toContain('removing the subscription again failed');
});

test.each([
  ['of an unknown type', 'Import', {}],
  ['with the properties of another template', 'Create', { ResourceProperties: { bucket: 1 } }],
  ['without properties', 'Create', { ResourceProperties: undefined }],
])('a request %s is answered with a failure, so that CloudFormation does not wait', async (_, type, more) => {
  expect((await invoke(type, more)).body['Status']).toBe('FAILED');
});

test('an answer never exceeds the size that CloudFormation accepts', async () => {
  const entry = (id: number): string =>
    THEIRS.slice(THEIRS.indexOf('<CloudFunctionConfiguration>'), THEIRS.indexOf('<EventBridge'))
      .replace('thumbnails', `thumbnails-${id}-é`)
      .replace('photos/', 'invoices/');
  s3.buckets.set(
    BUCKET,
    EMPTY.replace(
      '/>',
      `>${Array.from({ length: 90 }, (_, id) => entry(id)).join('')}</NotificationConfiguration>`,
    ),
  );
  const { bytes, body } = await invoke('Create');

  expect(body['Status']).toBe('FAILED');
  expect(bytes).toBeLessThanOrEqual(4096);
});

test('an event without an answer URL fails the invocation, because only CloudFormation may invoke the function', async () => {
  await expect(invoke('Create', { ResponseURL: undefined })).rejects.toThrow('cannot be invoked by hand');
});
