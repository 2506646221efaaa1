import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHint, type Hint } from '../../src/lib/hint/hint.ts';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';

/**
 * Any string that S3 accepts as a key. S3 accepts every string that UTF-8 can encode, so there are no lone
 * surrogates.
 */
const anyKey = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });

const anyHint: fc.Arbitrary<Hint> = fc.record({
  bucket: fc.string({ minLength: 1 }),
  key: anyKey,
  versionId: maybe(fc.string({ minLength: 1 })),
  sizeBytes: maybe(fc.maxSafeNat()),
  kind: fc.string({ minLength: 1 }),
  identity: maybe(fc.string({ minLength: 1 })),
  principalId: maybe(fc.string({ minLength: 1 })),
  rule: maybe(fc.string({ minLength: 1 })),
  destination: maybe(fc.string({ minLength: 1 })),
  run: maybe(fc.string({ minLength: 1 })),
});

/** Encodes a key as S3 does in notifications. `encodeURIComponent` would leave more characters unencoded. */
const formEncoded = (key: string): string => new URLSearchParams({ '': key }).toString().slice(1);

const s3Event = (object: Record<string, unknown>): string =>
  JSON.stringify({
    Records: [
      { eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'b' }, object } },
    ],
  });

describe('keys', () => {
  test('every key survives the form encoding of S3 notifications', () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(parseMessage(s3Event({ key: formEncoded(key) }))).toMatchObject([
          { kind: 'hint', hint: { key } },
        ]);
      }),
    );
  });

  test('in S3 notifications a plus sign is a space, and %2B is a plus sign', () => {
    expect(parseMessage(s3Event({ key: 'a+b%2Bc%20d' }))).toMatchObject([{ hint: { key: 'a b+c d' } }]);
  });

  test('EventBridge sends keys as they are, percent signs and plus signs included', () => {
    const event = { source: 'aws.s3', detail: { bucket: { name: 'b' }, object: { key: '100%+%2B' } } };
    expect(parseMessage(JSON.stringify(event))).toMatchObject([{ hint: { key: '100%+%2B' } }]);
  });
});

describe('our own hints', () => {
  test('a hint survives formatting and parsing unchanged', () => {
    fc.assert(
      fc.property(anyHint, (hint) => {
        expect(parseMessage(formatHint(hint))).toEqual([{ kind: 'hint', hint }]);
      }),
    );
  });

  test('a formatted hint is printable ASCII, whatever its key', () => {
    fc.assert(
      fc.property(anyHint, (hint) => {
        expect(formatHint(hint)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});

test('no text whatsoever makes the parser throw or find nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (body) => {
      expect(parseMessage(body).length).toBeGreaterThan(0);
    }),
  );
});

test('no JSON in the places of an S3 event makes the parser throw', () => {
  const junk = fc.jsonValue();
  const record = fc.record(
    {
      eventSource: fc.oneof(fc.constant('aws:s3'), junk),
      eventName: junk,
      userIdentity: junk,
      responseElements: junk,
      s3: fc.oneof(fc.record({ bucket: fc.oneof(fc.constant({ name: 'b' }), junk), object: junk }), junk),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(record, junk), { minLength: 1, maxLength: 4 }), (records) => {
      const parsed = parseMessage(JSON.stringify({ Records: records }));
      expect(parsed).toHaveLength(records.length);
      // SQS accepts only some characters in the body of a message, and the body must fit into the dead-letter
      // queue.
      for (const part of parsed) if (part.kind === 'malformed') expect(part.body).toMatch(/^[\x20-\x7e]+$/);
    }),
  );
});

test('values of the wrong type are ignored', () => {
  const object = { key: 'k', versionId: 7, size: -1, sequencer: ['x'] };
  expect(parseMessage(s3Event(object))).toMatchObject([
    { hint: { key: 'k', versionId: null, sizeBytes: null, identity: null } },
  ]);
});

test.each([
  ['an empty body', ''],
  ['an array', '[]'],
  ['null', 'null'],
  ['a number', '1e400'],
  ['an event without records', '{"Records":[]}'],
  ['a record of another service', '{"Records":[{"eventSource":"aws:sns"}]}'],
  ['an S3 event with an empty key', s3Event({ key: '' })],
  ['an S3 event whose key is no text', s3Event({ key: { toString: 'x' } })],
  ['an S3 event whose key is no UTF-8', s3Event({ key: '%ff' })],
  ['an S3 event with a truncated percent sign', s3Event({ key: 'a%2' })],
  ['an SNS notification about something else', '{"Type":"Notification","Message":"hello"}'],
  [
    'an SNS envelope in an SNS envelope',
    JSON.stringify({ Type: 'Notification', Message: '{"Type":"Notification","Message":"{}"}' }),
  ],
  ['a subscription confirmation of SNS', '{"Type":"SubscriptionConfirmation","Token":"t"}'],
  ['a hint without a key', '{"s3-replicator":"hint","bucket":"b"}'],
  ['an EventBridge event without an object', '{"source":"aws.s3","detail":{"bucket":{"name":"b"}}}'],
  ['an object with nothing but a prototype', '{"__proto__":{"s3-replicator":"hint","bucket":"b","key":"k"}}'],
])('%s is malformed, and the parser says why', (_, body) => {
  expect(parseMessage(body)).toEqual([
    { kind: 'malformed', why: expect.stringMatching(/\w+ \w+/), body: expect.any(String) },
  ]);
});

test('JSON that is nested too deeply to be serialized is malformed', () => {
  const depth = 100_000;
  const body = `{"Records":[${'['.repeat(depth)}${']'.repeat(depth)}]}`;
  expect(parseMessage(body)).toMatchObject([{ kind: 'malformed' }]);
});
