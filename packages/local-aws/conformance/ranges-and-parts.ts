/** Reads of one piece of an object, by byte range and by part number. */
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { behaviour, s3Api } from './behaviour.ts';
import type { Context } from './context.ts';
import { refused, same } from './difference.ts';
import { PART_BYTES, uploadInParts } from './upload-in-parts.ts';

const GET = s3Api('API_GetObject');

const tenBytes = async ({ bucket, key, put }: Context) => {
  const Bucket = await bucket('never');
  const Key = key();
  await put(Bucket, Key, '0123456789');
  return { bucket: Bucket, key: Key };
};

export const aRangeIsAPartialAnswer = behaviour(
  'GetObject with a range returns 206 with Content-Range, and a range that ends beyond the object ends at its last byte.',
  GET,
  async (context) => {
    const target = await tenBytes(context);
    const cases = [
      ['bytes=0-0', '0', 'bytes 0-0/10'],
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=-100', '0123456789', 'bytes 0-9/10'],
      ['bytes=8-100', '89', 'bytes 8-9/10'],
    ];
    for (const [range = '', body, contentRange] of cases) {
      const answer = await context.raw('GET', { ...target, headers: { range } });
      const found = [answer.status, answer.body, answer.headers['content-range']];
      same(range, found, [206, body, contentRange]);
    }
  },
);

export const anEmptyPartHasNoRange = behaviour(
  'GetObject of an empty part returns no Content-Range whose last byte is before its first.',
  GET,
  async (context) => {
    const Bucket = await context.bucket('never');
    const Key = context.key();
    await uploadInParts(context, { Bucket, Key }, [{ partNumber: 1, body: '' }]);
    const answer = await context.raw('GET', { bucket: Bucket, key: Key, query: { partNumber: '1' } });
    same('body', [answer.status, answer.body], [206, '']);
    same('content-range', answer.headers['content-range'], undefined);
  },
);

export const aRangeBeyondTheObjectIsNotSatisfiable = behaviour(
  'GetObject fails with 416 InvalidRange if the range starts beyond the last byte or the object is empty.',
  s3Api('ErrorResponses'),
  async (context) => {
    const { raw, key, put } = context;
    const target = await tenBytes(context);
    for (const range of ['bytes=10-', 'bytes=10-20', 'bytes=-0']) {
      const answer = await raw('GET', { ...target, headers: { range } });
      same(range, `${answer.status} ${answer.code}`, '416 InvalidRange');
    }
    const empty = { bucket: target.bucket, key: key('empty') };
    await put(empty.bucket, empty.key, '');
    const answer = await raw('GET', { ...empty, headers: { range: 'bytes=0-0' } });
    same('of an empty object', `${answer.status} ${answer.code}`, '416 InvalidRange');
  },
);

export const severalRangesAreTheWholeObject = behaviour(
  'GetObject with several ranges returns the whole object, because S3 serves only one range per request.',
  GET,
  async (context) => {
    const target = await tenBytes(context);
    const answer = await context.raw('GET', { ...target, headers: { range: 'bytes=0-1,3-4' } });
    same('answer', [answer.status, answer.body], [200, '0123456789']);
  },
);

export const headTakesARange = behaviour(
  'HeadObject with a range returns 206 with the length and the Content-Range of that range.',
  s3Api('API_HeadObject'),
  async (context) => {
    const target = await tenBytes(context);
    const answer = await context.raw('HEAD', { ...target, headers: { range: 'bytes=2-4' } });
    same(
      'answer',
      [answer.status, answer.headers['content-length'], answer.headers['content-range']],
      [206, '3', 'bytes 2-4/10'],
    );
  },
);

export const anObjectPutInOnePieceHasOnePart = behaviour(
  'GetObject with part number 1 returns the whole of an object written by PutObject without a parts count, and part number 2 fails with 416.',
  GET,
  async (context) => {
    const target = await tenBytes(context);
    const first = await context.raw('GET', { ...target, query: { partNumber: '1' } });
    same('body', first.body, '0123456789');
    same('x-amz-mp-parts-count', first.headers['x-amz-mp-parts-count'], undefined);
    const second = await context.raw('GET', { ...target, query: { partNumber: '2' } });
    same('second part', `${second.status} ${second.code}`, '416 InvalidPartNumber');
  },
);

export const aRangeAndAPartNumberExcludeEachOther = behaviour(
  'GetObject with both a range and a part number fails with 400 InvalidRequest.',
  GET,
  async (context) => {
    const target = await tenBytes(context);
    const answer = await context.raw('GET', {
      ...target,
      query: { partNumber: '1' },
      headers: { range: 'bytes=0-1' },
    });
    same('answer', `${answer.status} ${answer.code}`, '400 InvalidRequest');
  },
);

export const partsAreReadAsTheyWereUploaded = behaviour(
  'GetObject and HeadObject with a part number return that part with 206, its Content-Range and the parts count.',
  GET,
  async (context) => {
    const { bucket, key, raw, read, s3 } = context;
    const Bucket = await bucket('Enabled');
    const Key = key();
    await uploadInParts(context, { Bucket, Key }, [
      { partNumber: 1, body: 'a'.repeat(PART_BYTES) },
      { partNumber: 2, body: 'the end' },
    ]);
    same('second part', await read(Bucket, Key, { PartNumber: 2 }), 'the end');
    const first = await s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 1 }));
    same('size of the first', first.ContentLength, PART_BYTES);
    same('count of parts', first.PartsCount, 2);
    const second = await raw('HEAD', { bucket: Bucket, key: Key, query: { partNumber: '2' } });
    same('status', second.status, 206);
    same(
      'place of the second',
      second.headers['content-range'],
      `bytes ${PART_BYTES}-${PART_BYTES + 6}/${PART_BYTES + 7}`,
    );
    const whole = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('count without a part number', whole.PartsCount, undefined);
    await refused('third part', read(Bucket, Key, { PartNumber: 3 }), '416 InvalidPartNumber');
  },
);
