/** `copy` between two servers that nobody here wrote. The soak plays this with the servers that are installed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { expect, test, vi } from 'vitest';
import { run } from '../cli/run.ts';
import { PLAYS_ALL, PROPERTY_SEED } from '../e2e/support/seed.ts';
import { type ForeignServer, isUnordered, KEYS, SERVERS, startForeign } from './servers.ts';

const MIB = 1024 * 1024;

const contents = async ({ client }: ForeignServer, Bucket: string): Promise<Record<string, string>> => {
  const { Contents: listed = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  const each: Record<string, string> = {};
  for (const { Key = '' } of listed) {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    each[Key] = Buffer.from((await body?.transformToByteArray()) ?? []).toString('base64');
  }
  return each;
};

const PLAIN = { a: 'small', 'folder/ö ü+&': 'named', empty: '' };
/** Keys that are difficult for servers that store keys as files, or that list them in the order of another encoding. */
const UNUSUAL = {
  'a-b': 'before a slash',
  'a.b/c': 'below a dot',
  'folder/\uff5e': 'wide',
  'folder/\u{1f600}': 'above it in UTF-8',
};

const put = async (
  { client }: ForeignServer,
  Bucket: string,
  objects: Record<string, string>,
): Promise<void> => {
  for (const [Key, Body] of Object.entries(objects))
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: Buffer.byteLength(Body) }));
};

const putInParts = async ({ client }: ForeignServer, Bucket: string): Promise<void> => {
  const params = { Bucket, Key: 'large', Body: Buffer.alloc(11 * MIB + 7, 'large') };
  await new Upload({ client, params, partSize: 5 * MIB }).done();
};

// Each server is the source of one pair and the destination of another. The seed decides which servers form pairs.
const pairs = SERVERS.map((from, at) => {
  const steps = 1 + (PROPERTY_SEED % (SERVERS.length - 1));
  return [from, SERVERS[(at + steps) % SERVERS.length] ?? from] as const;
});

test.skipIf(!PLAYS_ALL).each(pairs)(
  'copy brings every object from %s to %s, and writes nothing again',
  async (from, to) => {
    await using source = await startForeign(from);
    await using destination = await startForeign(to);
    if (source === null || destination === null)
      return console.log(`skipped: ${source === null ? from : to} is not installed`);
    await source.createBucket('documents');
    await destination.createBucket('archive');
    const isOrdered = !isUnordered(from) && !isUnordered(to);
    await put(source, 'documents', isOrdered ? { ...PLAIN, ...UNUSUAL } : PLAIN);
    // Some pairs get no object in parts. s3rver computes the ETags of such objects in its own way, so nothing shows that a copy equals its
    // source. To a HEAD of a part, ministack answers with the whole object, and s3proxy answers with an error.
    const isReadInParts = from !== 'ministack' && from !== 's3proxy';
    if ((to !== 's3rver' || from === 's3rver') && isReadInParts) await putInParts(source, 'documents');
    const cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
    writeFileSync(
      join(cwd, 'credentials'),
      `[foreign]\naws_access_key_id=${KEYS.accessKeyId}\naws_secret_access_key=${KEYS.secretAccessKey}\n`,
    );
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(cwd, 'credentials'));
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    const [at, there] = [source.endpoint, destination.endpoint];
    const options =
      `--source-profile foreign --source-endpoint ${at} --source-region us-east-1 --destination-profile foreign --destination-endpoint ${there} --destination-region us-east-1 --json`.split(
        ' ',
      );
    const copy = async (...more: string[]) =>
      await run(['copy', 's3://documents', 's3://archive', ...options, ...more], { cwd });
    try {
      let more: string[] = [];
      let first = await copy();
      // If the probe has found that the server cannot do everything, the message names the options with which the server is good enough.
      if (first.code !== 0) {
        more =
          first.err
            .match(/--conditional-writes none|--no-tags|--versions latest/g)
            ?.flatMap((each) => each.split(' ')) ?? [];
        if (more.length > 0) first = await copy(...more);
      }
      expect({ code: first.code, told: first.code === 0 ? '' : first.err + first.out }).toEqual({
        code: 0,
        told: '',
      });
      const { copies } = JSON.parse(first.out);
      expect({ code: first.code, failures: copies[0].failures }).toEqual({ code: 0, failures: [] });
      console.log(`${from} to ${to} ${more.join(' ')}: ${JSON.stringify(copies[0].service)}`);
      expect(await contents(destination, 'archive')).toEqual(await contents(source, 'documents'));
      const before = await contents(destination, 'archive');
      const again = await copy(...more);
      expect(JSON.parse(again.out).copies).toMatchObject([{ movedBytes: 0, copied: { failed: 0 } }]);
      if (isOrdered) return;
      await put(source, 'documents', UNUSUAL);
      const refused = await copy(...more);
      expect(refused).toMatchObject({
        code: 1,
        err: expect.stringContaining('in the order of their UTF-8 bytes'),
      });
      expect(await contents(destination, 'archive')).toMatchObject(before);
    } finally {
      vi.unstubAllEnvs();
      rmSync(cwd, { recursive: true });
    }
  },
  120_000,
);
