import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unpackCode } from '../../src/lambda/unzip.ts';
import { makeZip } from './make-zip.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unzip-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const unpack = (zipFile: string) => unpackCode(zipFile, join(directory, 'code'));

test('files of a package are unpacked unchanged into their folders', async () => {
  const text = 'x'.repeat(100_000);
  const zip = await makeZip(join(directory, 'a.zip'), { 'src/handlers/ä.js': text, 'empty.txt': '' });
  const unpacked = await unpack(zip);
  expect(await readFile(join(unpacked.directory, 'src/handlers/ä.js'), 'utf8')).toBe(text);
  expect(await readFile(join(unpacked.directory, 'empty.txt'), 'utf8')).toBe('');
});

test('packages with the same content are unpacked once', async () => {
  const one = await makeZip(join(directory, 'one.zip'), { a: '1' });
  const two = await makeZip(join(directory, 'two.zip'), { a: '1' });
  const [first, second] = await Promise.all([unpack(one), unpack(two)]);
  expect(first).toEqual(second);
  expect(await unpack(one)).toEqual(first);
  expect(await readdir(join(directory, 'code'))).toHaveLength(1);
});

test.each(['../outside', '/etc/passwd', 'a/../../outside'])(
  'a package that names %s is refused',
  async (name) => {
    const zip = await makeZip(join(directory, 'bad.zip'), { [name]: 'x' });
    await expect(unpack(zip)).rejects.toThrow(/outside of the package/);
  },
);

test('a damaged package is refused and leaves no folder that could be mistaken for it', async () => {
  const zip = await makeZip(join(directory, 'good.zip'), {
    'a.js': 'some text that is long enough to be hit',
  });
  const bytes = await readFile(zip);
  bytes[40] = (bytes[40] ?? 0) ^ 0xff;
  await writeFile(zip, bytes);
  await expect(unpack(zip)).rejects.toThrow(/damaged|invalid/);
  expect(await readdir(join(directory, 'code'))).toEqual([]);
});

test('a file that is no zip is refused', async () => {
  await writeFile(join(directory, 'text.zip'), 'no zip at all, but long enough to hold an end record');
  await expect(unpack(join(directory, 'text.zip'))).rejects.toThrow(/is not a zip file/);
});
