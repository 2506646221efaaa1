/**
 * Two processes replicate the same key at once. With conditional writes no older state becomes visible; without them one may, for a while. The local
 * AWS plays a service in `npm test`; the soak plays the servers that are installed, and prints how long older states were visible.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { clientConfig, type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { PLAYS_ALL, PROPERTY_SEED } from '../e2e/support/seed.ts';
import { playHistory, type Seen, type Side, WRITES } from './histories.ts';
import { isWeak, KEYS, SERVERS, startForeign } from './servers.ts';

const ACCOUNT = '111111111111';
const HISTORIES = PLAYS_ALL ? 40 : 2;

let aws: LocalAws;
let folder: string;
let client: S3Client;
beforeAll(async () => {
  aws = await startLocalAws({ region: 'us-east-1' });
  client = new S3Client(clientConfig(aws, aws.root(ACCOUNT), { tls: false }));
  folder = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  const profile = (name: string, { accessKeyId, secretAccessKey }: typeof KEYS): string =>
    `[${name}]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
  writeFileSync(join(folder, 'credentials'), profile('aws', aws.root(ACCOUNT)) + profile('foreign', KEYS));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  client?.destroy();
  rmSync(folder, { recursive: true });
  await aws?.stop();
});

let buckets = 0;

const sourceSide = (): Side => {
  const bucket = `source-${buckets++}`;
  aws.s3.createBucket({
    name: bucket,
    accountId: ACCOUNT,
    region: 'us-east-1',
    VersioningConfiguration: { Status: 'Enabled' },
  });
  return { client, bucket, endpoint: aws.httpEndpoint, profile: 'aws' };
};

/** Returns numbers that look random, from a seed. */
const randomOf = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const playAll = async (
  nextReplica: () => Promise<Side>,
  conditionalWrites: 'none' | 'required',
): Promise<Seen[]> => {
  const all: Seen[] = [];
  for (let history = 0; history < HISTORIES; history++) {
    const random = randomOf(PROPERTY_SEED + history);
    const seen = await playHistory(sourceSide(), await nextReplica(), { conditionalWrites, random });
    expect({ replica: seen.replica, failures: seen.failures }).toEqual({
      replica: WRITES,
      failures: [],
    });
    all.push(seen);
  }
  return all;
};

const told = (all: Seen[]): string => {
  const visible = all.filter(({ steps }) => steps > 0);
  const longest = Math.max(0, ...visible.map(({ longestMs }) => longestMs));
  return `an older state was visible in ${visible.length} of ${all.length} histories, for at most ${longest.toFixed(0)} ms`;
};

test.each(['required', 'none'] as const)(
  'the replica at a service ends equal to the source, with conditionalWrites: %s',
  async (conditionalWrites) => {
    const all = await playAll(async () => sourceSide(), conditionalWrites);
    if (conditionalWrites === 'required') expect(all.map(({ steps }) => steps)).toEqual(all.map(() => 0));
    if (PLAYS_ALL) console.log(`local AWS, ${conditionalWrites}: ${told(all)}`);
  },
  120_000,
);

const cases = SERVERS.flatMap((name) =>
  (isWeak(name) ? (['none'] as const) : (['required', 'none'] as const)).map((how) => [name, how] as const),
);

test.skipIf(!PLAYS_ALL).each(cases)(
  'the replica at %s ends equal to the source, with conditionalWrites: %s',
  async (name, conditionalWrites) => {
    await using server = await startForeign(name);
    if (server === null) return console.log(`skipped: ${name} is not installed`);
    const all = await playAll(async () => {
      const bucket = `replica-${buckets++}`;
      await server.createBucket(bucket);
      return { client: server.client, bucket, endpoint: server.endpoint, profile: 'foreign' };
    }, conditionalWrites);
    if (conditionalWrites === 'required') expect(all.map(({ steps }) => steps)).toEqual(all.map(() => 0));
    console.log(`${name}, ${conditionalWrites}: ${told(all)}`);
  },
  600_000,
);
