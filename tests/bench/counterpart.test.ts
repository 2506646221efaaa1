import { afterAll, beforeAll, expect, test } from 'vitest';
import { INSIDE_SOURCE_BUCKET, SOURCE_BUCKET } from '../../bench/configuration.ts';
import { type Counterpart, startCounterpart } from '../../bench/counterpart.ts';
import {
  counterpartKey,
  parseCounterpartPath,
  partLength,
  partsCount,
} from '../../bench/counterpart-object.ts';

const object = { sizeBytes: 1_000_001, partBytes: 400_000 };
const key = counterpartKey(object, '7');
let counterpart: Counterpart;

beforeAll(async () => {
  counterpart = await startCounterpart();
});

afterAll(() => counterpart.stop());

test('a key says how large the object is and how it was uploaded', () => {
  expect(parseCounterpartPath(`/${SOURCE_BUCKET}/${key}`)).toEqual(object);
  expect(parseCounterpartPath('/bucket/another-key')).toBeNull();
});

test('parts add up to the object', () => {
  const parts = Array.from({ length: partsCount(object) }, (_, index) => partLength(object, index + 1));
  expect(parts).toEqual([400_000, 400_000, 200_001]);
});

test('the body is as long as the object, the part or the range that was asked for', async () => {
  const url = `${counterpart.httpEndpoint}/${SOURCE_BUCKET}/${key}`;
  expect(await lengthOf(url)).toBe(1_000_001);
  expect(await lengthOf(`${url}?partNumber=3`)).toBe(200_001);
  expect(await lengthOf(url, { range: 'bytes=10-19' })).toBe(10);
});

test('only the source bucket holds the object before the copy', async () => {
  const head = async (bucket: string): Promise<number> =>
    (await fetch(`${counterpart.httpEndpoint}/${bucket}/${key}`, { method: 'HEAD' })).status;
  expect(await head(SOURCE_BUCKET)).toBe(200);
  expect(await head('another-bucket')).toBe(404);
});

test('a copy of fewer bytes than expected is noticed', async () => {
  await counterpart.expectBytes(0);
  await fetch(`${counterpart.httpEndpoint}/replica/${key}`, { method: 'PUT', body: Buffer.alloc(999) });
  await expect(counterpart.expectBytes(1_000)).rejects.toThrow('999 bytes were written instead of 1000');
});

test('a copy within S3 moves no byte, and is refused under a condition', async () => {
  const copy = (headers: Record<string, string> = {}) =>
    fetch(`${counterpart.httpEndpoint}/replica/${key}`, {
      method: 'PUT',
      headers: { 'x-amz-copy-source': `${INSIDE_SOURCE_BUCKET}/${key}`, ...headers },
    });
  expect(await (await copy()).text()).toContain('<ETag>&quot;');
  expect((await copy({ 'if-match': '"another"' })).status).toBe(412);
  await counterpart.expectBytes(0);
});

const lengthOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
  (await (await fetch(url, { headers })).bytes()).length;
