/** Attacks by those who choose keys, metadata, messages and files, and by those who may invoke a function. */
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, test, vi } from 'vitest';
import { jsonText } from '../../src/cli/terminal/json.ts';
import { parsePartRangeMessage } from '../../src/lib/copy/transfer/part-ranges.ts';
import { createRefusals } from '../../src/lib/delivery/refusals.ts';
import { answerBatch } from '../../src/lib/replicate/batch-operations.ts';
import { csvLine } from '../../src/lib/runs/report/report-csv.ts';
import { reportHtml } from '../../src/lib/runs/report/report-html.ts';
import { answerCustomResource } from '../../src/lib/subscription/custom-resource.ts';
import { startLocalBuckets } from '../adapters/local-buckets.ts';
import { problemsOf } from '../configuration/yaml.ts';
import { noBrakes } from '../model/memory-brakes.ts';
import { closedCircuits } from '../model/memory-circuits.ts';
import { createMemoryBucket } from '../model/memory-buckets.ts';
import { memoryDestination } from '../model/memory-destination.ts';
import { memorySource } from '../model/memory-source.ts';
import { noTransfers } from '../model/memory-transfers.ts';
import { memoryVersionReceipts } from '../model/memory-version-receipts.ts';
import { testConfiguration, testDestination, testInvocation, testRule } from '../model/settings.ts';
import { aReport } from '../runs/runs.ts';
import { generatedTemplate } from '../stack/sample-stack.ts';
import { ofType, resource, statementsOf } from '../stack/statements.ts';

test('an uploader cannot hide a metadata entry from the replica by the name __proto__', async () => {
  await using local = await startLocalBuckets();
  local.createSource('source');
  local.createDestination('replica');
  const Metadata: unknown = JSON.parse('{"__proto__":"kept","author":"me"}');
  const given = { Bucket: 'source', Key: 'k', Body: 'x', Metadata: Metadata as Record<string, string> };
  await local.sourceOwner.send(new PutObjectCommand(given));

  const opened = await local.buckets.source(testRule()).open('k', null);
  if (opened === null) throw new Error('the source object is not there');
  const { state, body } = opened;
  expect(Object.entries(state.attributes.metadata).toSorted()).toEqual([
    ['__proto__', 'kept'],
    ['author', 'me'],
  ]);
  await local.buckets.destination(testDestination({ bucket: 'replica' })).put({
    key: 'k',
    body,
    sizeBytes: state.sizeBytes,
    attributes: { ...state.attributes, tags: {}, lock: state.lock },
    precondition: { kind: 'absent' },
    guard: { kind: 'none' },
  });

  const headers: Record<string, string>[] = [];
  const head = new HeadObjectCommand({ Bucket: 'replica', Key: 'k' });
  head.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      headers.push((result.response as { headers: Record<string, string> }).headers);
      return result;
    },
    { step: 'deserialize' },
  );
  await local.destinationOwner.send(head);
  expect(headers[0]).toMatchObject({ 'x-amz-meta-__proto__': 'kept', 'x-amz-meta-author': 'me' });
});

const row = (key: string) => ({
  key,
  difference: 'missing' as const,
  source: { versionId: '=v', sizeBytes: 1, etag: '"@e"' },
  replica: null,
  reason: null,
});

test.each(['=cmd()', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '＝1', '\u200b=1', "'=1", '\r', '\n=1'])(
  'a spreadsheet executes no key of a report: %j begins with an apostrophe',
  (key) => expect(csvLine(row(key))).toBe(`"'${key}",missing,"'=v",1,"'@e",,,,\r\n`),
);

test('keys that no spreadsheet executes stand in a report as they are', () => {
  expect(csvLine(row('a=b'))).toMatch(/^"a=b",/);
});

test('an uploader cannot reorder or hide text on a terminal by invisible characters in keys, not even with --json', () => {
  const keys = [
    'a\u202ecod.exe',
    'b\u0085\u009b2J',
    'c\u200b\u2028\ufeff',
    'd\u{e0041}\ud800',
    'e\u00a0é漢 \n',
  ];
  const text = jsonText({ keys });
  expect(text).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}\u00a0]/u);
  expect(text).toContain('é漢 ');
  expect(JSON.parse(text)).toEqual({ keys });
});

const problemOf = (text: string) =>
  problemsOf(text).map(({ line, column, found, fix }) => ({ line, column, found, fix }));
const fix = 'write the value itself in place of the alias';

test('a bomb of YAML aliases in replication.yml is a problem with its place, and is never expanded', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (let index = 0; index < 25; index++) {
    const [before, name] = [String.fromCharCode(97 + index), String.fromCharCode(98 + index)];
    bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`);
  }
  const found = 'the aliases of this file stand for too many values';
  expect(problemOf(bomb.join('\n'))).toEqual([{ line: 2, column: 8, found, fix }]);
});

test('a YAML alias that contains itself, or names nothing, is a problem with its place', () => {
  expect(problemOf('name: x\nrules: &all\n  - id: a\n    source: *all\nstack: *none\n')).toEqual([
    { line: 4, column: 13, found: '*all contains itself', fix },
    { line: 5, column: 8, found: 'nothing before *none has the anchor &none', fix },
  ]);
});

test.each([[{ toString: 1 }], [['a']], [7], [null], [undefined]])(
  'a task of S3 Batch Operations whose id is %j does not stop the other tasks of its event',
  async (taskId) => {
    const clock = { now: () => 0, sleep: async () => undefined };
    const [source, replica] = [1, 2].map(() => createMemoryBucket('enabled', clock.now));
    if (source === undefined || replica === undefined) throw new Error('no buckets');
    source.put('b', Buffer.from('x'));
    const rule = testRule({ versions: 'latest' });
    const tasks = [
      { taskId, s3Key: 'a', s3VersionId: null, s3BucketArn: { toString: 1 } },
      { taskId: 'other', s3Key: 'b', s3VersionId: null, s3Bucket: rule.source.bucket },
    ];
    const { results } = await answerBatch(
      { invocationSchemaVersion: '2.0', invocationId: 'I', job: { id: 'J' }, tasks },
      {
        configuration: testConfiguration(rule),
        buckets: {
          source: () => memorySource(source, async () => undefined),
          destination: () => memoryDestination(replica, async () => undefined),
        },
        circuits: closedCircuits,
        brake: noBrakes,
        clock,
        refusals: createRefusals(clock),
        invocation: testInvocation({ deadlineMs: 1_000 }),
        ...noTransfers(),
        versionReceipts: memoryVersionReceipts(),
      },
    );
    expect(results.map((result) => typeof result.taskId)).toEqual(['string', 'string']);
    expect(results[1]).toMatchObject({ taskId: 'other', resultCode: 'Succeeded' });
  },
);

test('whoever may send to the transfer queue cannot exhaust memory with a range of more parts than an upload has', () => {
  const message = {
    id: 'i',
    uploadId: 'u',
    attempt: 1,
    rule: 'r',
    destination: 'd',
    bucket: 'b',
    key: 'k',
    firstPart: 1,
  };
  const parse = (lastPart: unknown) => parsePartRangeMessage(JSON.stringify({ ...message, lastPart }));
  expect(parse(10_001)).toBeNull();
  expect(parse(Number.MAX_SAFE_INTEGER)).toBeNull();
  expect(parse(10_000)).toMatchObject({ firstPart: 1, lastPart: 10_000 });
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const answered = async (url: string, report = '') => {
  const calls: string[] = [];
  const sent: string[] = [];
  const event = {
    RequestType: 'Create',
    ResponseURL: url,
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'l',
  };
  const custom = {
    physicalResourceId: () => 'id',
    create: async () => (calls.push('create'), { Report: report, other: 'short' }),
    update: async () => undefined,
    delete: async () => undefined,
  };
  await answerCustomResource(event, custom, async (_, body) => void sent.push(body)).catch(() => undefined);
  return { calls, sent };
};

const CLOUDFORMATION = 'cloudformation-custom-resource-response-useast1';

test.each([
  'https://attacker.example/answer',
  'https://s3.amazonaws.com.attacker.example/answer',
  'https://attacker.example/?https://s3.amazonaws.com/',
  'https://s3.amazonaws.com@attacker.example/',
  'https://lambda.us-east-1.amazonaws.com/x',
  `http://${CLOUDFORMATION}.s3.amazonaws.com/answer`,
  'http://169.254.169.254/latest/meta-data',
  'no url',
])('whoever may invoke the subscribe function cannot make it act and answer to %s', async (url) => {
  vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined);
  vi.stubEnv('AWS_ENDPOINT_URL', undefined);
  expect(await answered(url)).toEqual({ calls: [], sent: [] });
});

test.each([
  `https://${CLOUDFORMATION}.s3.amazonaws.com/answer?Signature=s`,
  `https://${CLOUDFORMATION}.s3.us-east-1.amazonaws.com/answer`,
  `https://s3-eu-west-1.amazonaws.com/${CLOUDFORMATION}/answer`,
  `https://${CLOUDFORMATION}.s3.cn-north-1.amazonaws.com.cn/answer`,
  `https://${CLOUDFORMATION}.s3.eusc-de-east-1.amazonaws.eu/answer`,
])('the subscribe function answers CloudFormation at %s', async (url) => {
  expect((await answered(url)).sent).toHaveLength(1);
});

test('the answer to CloudFormation is cut to the size that it accepts, however long the attributes are', async () => {
  const { sent } = await answered('https://x.s3.amazonaws.com/', 'é"\n'.repeat(5_000));
  const [body = ''] = sent;
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4_096);
  expect(Buffer.byteLength(body)).toBeGreaterThan(3_000);
  expect(JSON.parse(body)).toMatchObject({ Status: 'SUCCESS', Data: { other: 'short' } });
});

test('markup in a report cannot change the base of its links or send a form', () => {
  expect(reportHtml(aReport())).toContain(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
  );
});

test('another account that may send to the event bus cannot report changes of a bucket with the name of ours', () => {
  const template = generatedTemplate();
  const patterns = ofType(template, 'AWS::Events::Rule').flatMap(
    ([, { Properties }]) => Properties['EventPattern'] ?? [],
  );
  expect(patterns).toMatchObject([{ account: [{ Ref: 'AWS::AccountId' }] }]);
  for (const queue of ['LiveQueuePolicy', 'LiveDeadLetterQueuePolicy']) {
    const statements = statementsOf(resource(template, queue).Properties['PolicyDocument']);
    expect(statements.find(({ Sid }) => Sid === 'EventRules')).toMatchObject({
      Condition: { StringEqualsIfExists: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
  }
});
