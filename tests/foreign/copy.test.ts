/** `copy` between two servers that nobody here wrote. Played in the soak, with the servers that are installed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { expect, test, vi } from 'vitest';
import { run } from '../cli/run.ts';
import { PLAYS_ALL } from '../e2e/support/seed.ts';
import { type ForeignServer, KEYS, SERVERS, startForeign } from './servers.ts';

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

const fill = async ({ client }: ForeignServer, Bucket: string, hasParts: boolean): Promise<void> => {
  for (const [Key, Body] of Object.entries({ a: 'small', 'folder/ö ü+&': 'named', empty: '' }))
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: Buffer.byteLength(Body) }));
  if (!hasParts) return;
  const params = { Bucket, Key: 'large', Body: Buffer.alloc(11 * MIB + 7, 'large') };
  await new Upload({ client, params, partSize: 5 * MIB }).done();
};

const pairs = SERVERS.flatMap((from) => SERVERS.map((to) => [from, to] as const));

test.skipIf(!PLAYS_ALL).each(pairs)(
  'copy brings every object from %s to %s, and writes nothing again',
  async (from, to) => {
    await using source = await startForeign(from);
    await using destination = await startForeign(to);
    if (source === null || destination === null)
      return console.log(`skipped: ${source === null ? from : to} is not installed`);
    await source.createBucket('documents');
    await destination.createBucket('archive');
    // s3rver computes the ETags of objects in parts in a way of its own, so nothing shows that a copy in parts is the same.
    await fill(source, 'documents', to !== 's3rver' || from === 's3rver');
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
      if (first.err.includes('--conditional-writes none')) {
        // The server checks no conditions, which the probe has found.
        more = ['--conditional-writes', 'none', ...(first.err.includes('--no-tags') ? ['--no-tags'] : [])];
        first = await copy(...more);
      }
      const { copies } = JSON.parse(first.out);
      expect({ code: first.code, failures: copies[0].failures }).toEqual({ code: 0, failures: [] });
      console.log(`${from} to ${to} ${more.join(' ')}: ${JSON.stringify(copies[0].service)}`);
      expect(await contents(destination, 'archive')).toEqual(await contents(source, 'documents'));
      const again = await copy(...more);
      expect(JSON.parse(again.out).copies).toMatchObject([{ movedBytes: 0, copied: { failed: 0 } }]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(cwd, { recursive: true });
    }
  },
  120_000,
);
