import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fromAttributes } from '../../src/lib/delivery/dead-letter.ts';
import { type Hint } from '../../src/lib/hint/hint.ts';
import { type Parsed, parseMessage } from '../../src/lib/hint/parse-message.ts';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { ruleWants } from '../../src/lib/model/filter.ts';

interface SqsRecord {
  messageId: string;
  body: string;
  md5OfBody: string;
  messageAttributes: Record<string, { stringValue: string }>;
}

const EVENTS = new URL('../../events/', import.meta.url);
const SQS_EVENTS = readdirSync(EVENTS).filter(
  (file) =>
    !['subscribe-create.json', 'backfill.json', 'batch-operations.json'].includes(file) &&
    !file.startsWith('inspect-'),
);

const recordsOf = (file: string): SqsRecord[] =>
  JSON.parse(readFileSync(new URL(file, EVENTS), 'utf8')).Records;

const parsedOf = (file: string): Parsed[] => recordsOf(file).flatMap(({ body }) => parseMessage(body));

const hintsOf = (file: string): Hint[] =>
  parsedOf(file).flatMap((parsed) => (parsed.kind === 'hint' ? [parsed.hint] : []));

const S3_HINT = {
  bucket: 'acme-documents',
  kind: 'ObjectCreated:Put',
  principalId: 'AWS:AROA4R74ZO52QCLEXAMPLE:billing-export',
  rule: null,
  destination: null,
  run: null,
};

test('an S3 notification is one hint with everything that S3 reports', () => {
  expect(hintsOf('s3-put.json')).toEqual([
    {
      ...S3_HINT,
      key: 'invoices/2026/11/invoice-0001.pdf',
      versionId: expect.stringMatching(/^\w{32}$/),
      sizeBytes: 184_221,
      identity: expect.stringMatching(/^00[0-9A-F]{14}$/),
    },
  ]);
});

test('the SNS envelope of an S3 notification is opened', () => {
  expect(hintsOf('s3-sns-wrapped.json')).toMatchObject([
    { ...S3_HINT, key: 'invoices/2026/11/invoice-0002.pdf' },
  ]);
});

test('an S3 notification by raw SNS delivery has no envelope', () => {
  expect(hintsOf('s3-sns-raw.json')).toMatchObject([
    { ...S3_HINT, key: 'invoices/2026/11/invoice-0003.pdf', kind: 'ObjectCreated:CompleteMultipartUpload' },
  ]);
});

test('an EventBridge event has an unencoded key and field names of its own', () => {
  expect(hintsOf('eventbridge.json')).toEqual([
    {
      bucket: 'acme-media',
      key: 'clips/opening titles (final).mov',
      versionId: '7Vd1xrWNZJWBHxmJ9hS0qLm2cTfEuYkP',
      sizeBytes: 5_242_880,
      kind: 'ObjectCreated:Put',
      identity: '0065F1A2B3C4D5E6F7',
      principalId: '111111111111',
      rule: null,
      destination: null,
      run: null,
    },
  ]);
});

test('the test event of S3 is no hint', () => {
  expect(parsedOf('test-event.json')).toEqual([{ kind: 'test-event' }]);
});

test('a redriven hint names its rule and destination and carries its history', () => {
  expect(hintsOf('hint.json')).toMatchObject([
    { key: 'invoices/2026/11/Rechnung für Café №7.pdf', rule: 'invoices', destination: 'archive' },
  ]);
  const [record] = recordsOf('hint.json');
  const attributes = Object.entries(record?.messageAttributes ?? {}).map(([name, { stringValue }]) => [
    name,
    stringValue,
  ]);
  expect(fromAttributes(Object.fromEntries(attributes))).toMatchObject({
    reason: 'access-denied',
    key: 'invoices/2026/11/Rechnung für Café №7.pdf',
    attempts: 1,
  });
});

test('every record of an S3 notification is a separate hint', () => {
  expect(hintsOf('several-records.json').map(({ key }) => key.slice(-5))).toEqual([
    'a.pdf',
    'b.pdf',
    'c.pdf',
    'a.pdf',
  ]);
});

test('malformed bodies and records are separated from well-formed ones', () => {
  expect(parsedOf('malformed.json').map((parsed) => ('why' in parsed ? parsed.why : parsed.kind))).toEqual([
    'the body is not a JSON object',
    'the body is neither an S3 event, an EventBridge event nor a hint',
    'the key is not form-encoded UTF-8',
    'hint',
    'the record names no bucket or key',
  ]);
});

test('unusual keys are decoded to the form that S3 stores', () => {
  const keys = hintsOf('odd-keys.json').map(({ key }) => key);
  expect(keys).toContain('invoices/with space and + plus.pdf');
  expect(keys).toContain('invoices/日本語/請求書.pdf');
  expect(keys).toContain('invoices/line\nbreak\ttab.txt');
  expect(keys).toContain('invoices/noncharacter \uffff.txt');
  expect(keys).toContain('invoices//double//slashes/');
  expect(keys.map((key) => Buffer.byteLength(key))).toContain(1_024);
  expect(keys).toHaveLength(recordsOf('odd-keys.json').length);
});

test.each(SQS_EVENTS)(
  '%s contains messages that the live queue of the example configuration could deliver',
  (file) => {
    const { rules } = loadConfiguration(
      new URL('../../replication.yml', import.meta.url).pathname,
    ).replication;
    for (const { bucket, key } of hintsOf(file))
      expect(rules.some((rule) => ruleWants(rule, bucket, key))).toBe(true);
    const records = recordsOf(file);
    expect(new Set(records.map(({ messageId }) => messageId)).size).toBe(records.length);
    for (const { body, md5OfBody } of records)
      expect(createHash('md5').update(body).digest('hex')).toBe(md5OfBody);
  },
);
