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

test('a key of the counterpart contains the size of the object and of its parts', () => {
  expect(parseCounterpartPath(`/${SOURCE_BUCKET}/${key}`)).toEqual(object);
  expect(parseCounterpartPath('/bucket/another-key')).toBeNull();
});

test('the parts of a counterpart object add up to its size', () => {
  const parts = Array.from({ length: partsCount(object) }, (_, index) => partLength(object, index + 1));
  expect(parts).toEqual([400_000, 400_000, 200_001]);
});

test('the counterpart sends a body with the length of the requested object, part or range', async () => {
  const url = `${counterpart.httpEndpoint}/${SOURCE_BUCKET}/${key}`;
  expect(await lengthOf(url)).toBe(1_000_001);
  expect(await lengthOf(`${url}?partNumber=3`)).toBe(200_001);
  expect(await lengthOf(url, { range: 'bytes=10-19' })).toBe(10);
});

test('the counterpart holds an object only in the source bucket', async () => {
  const head = async (bucket: string): Promise<number> =>
    (await fetch(`${counterpart.httpEndpoint}/${bucket}/${key}`, { method: 'HEAD' })).status;
  expect(await head(SOURCE_BUCKET)).toBe(200);
  expect(await head('another-bucket')).toBe(404);
});

test('the counterpart reports a copy of fewer bytes than expected', async () => {
  await counterpart.expectBytes(0);
  await fetch(`${counterpart.httpEndpoint}/replica/${key}`, { method: 'PUT', body: Buffer.alloc(999) });
  await expect(counterpart.expectBytes(1_000)).rejects.toThrow('999 bytes were written instead of 1000');
});

test('the counterpart copies inside S3 without moving a byte, and refuses a conditional copy', async () => {
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
