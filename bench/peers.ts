/**
 * Copies the same objects between two buckets of one local S3 over https with `s3-replicator copy`, the bare SDK, rclone, the AWS CLI and
 * s5cmd, and compares their CPU and memory. A tool that is not installed is left out, with a line that says so.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { bundleForUsers } from '../scripts/pack/bundles.ts';
import { cost, type Figure, median, type Section, value } from './figure.ts';
import { type LocalS3Server, startLocalS3Server } from './local-s3-server.ts';
import { fill, makeBucket } from './peers-buckets.ts';
import { runMeasured, type Used, versionOf } from './peers-process.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** How many objects are moved at once by every tool that has a setting for it. The number is the default of `copy`. */
const CONCURRENCY = 32;

/** How old the objects are. A server refuses requests whose clock differs by more than fifteen minutes. */
const AGE_MS = 12 * 60_000;

interface Tool {
  name: string;
  /** The command that shows whether the tool is installed; null if the tool is part of this repository. */
  version: string[] | null;
  /** Returns the command that copies `count` objects. */
  argv(from: string, to: string, count: number): string[];
}

interface Comparison {
  title: string;
  sizeBytes: number;
  count: number;
  tools: (place: Place) => Tool[];
  /** The tool beside which `copy` is measured, and the aim. */
  against: string;
  aim: string;
  per: { unit: string; amount: number };
}

interface Place {
  server: LocalS3Server;
  client: S3Client;
  cli: string;
}

export const measurePeers = async function* (isShort: boolean): AsyncGenerator<Section> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bench-peers-'));
  cleanUp.defer(() => rm(folder, { recursive: true }));
  await bundleForUsers(folder);
  const server = await startLocalS3Server();
  cleanUp.defer(() => server.stop());
  const { endpoint, credentials } = server;
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  cleanUp.defer(() => client.destroy());
  const place = { server, client, cli: join(folder, 'cli.mjs') };
  await makeBucket(client, 'empty');
  for (const comparison of comparisons(isShort ? 0.2 : 1))
    yield await compare(place, comparison, isShort ? 1 : 2);
};

const comparisons = (share: number): Comparison[] => {
  const whole = (count: number): number => Math.max(4, Math.round(count * share));
  const small = {
    sizeBytes: 16 * KIB,
    count: whole(5_000),
    per: { unit: 'CPU-ms/object', amount: 1 / 1_000 },
  };
  const apart = (place: Place): Tool[] => [copyApart(place), SDK_PAIR, FLOOR, rclone(place, true)];
  return [
    { ...small, title: '16 KiB through this machine', tools: apart, against: SDK_PAIR.name, aim: '≤ 1.25' },
    {
      ...small,
      title: '1 MiB through this machine',
      sizeBytes: MIB,
      count: whole(500),
      tools: apart,
      against: 'rclone',
      aim: '≤ 1.3',
    },
    {
      title: '64 MiB through this machine',
      sizeBytes: 64 * MIB,
      count: whole(20),
      per: { unit: 'CPU-s/GB', amount: (64 * MIB) / 1e9 },
      tools: apart,
      against: 'rclone',
      aim: '≤ 1.1',
    },
    {
      ...small,
      title: '16 KiB, copied by S3',
      tools: (place) => [copyInside(place), AWS_SYNC, rclone(place, false), s5cmd(place)],
      against: AWS_SYNC.name,
      aim: '< 1',
    },
  ];
};

const OURS = 's3-replicator copy';

/** The two endpoints are two names of one server. S3 cannot copy between two endpoints, so the bytes pass through this machine. */
const copyApart = ({ cli, server }: Place): Tool => ({
  name: OURS,
  version: null,
  argv: (from, to) => [
    process.execPath,
    cli,
    'copy',
    `s3://${from}`,
    `s3://${to}`,
    '--source-endpoint',
    server.httpsEndpoint,
    '--destination-endpoint',
    otherName(server.httpsEndpoint),
  ],
});

const otherName = (url: string): string =>
  url.includes('localhost') ? url.replace('localhost', '127.0.0.1') : url.replace('127.0.0.1', 'localhost');

const copyInside = ({ cli }: Place): Tool => ({
  name: OURS,
  version: null,
  argv: (from, to) => [process.execPath, cli, 'copy', `s3://${from}`, `s3://${to}`],
});

const programTool = (name: string, file: string): Tool => ({
  name,
  version: null,
  argv: (from, to, count) => [
    process.execPath,
    join(import.meta.dirname, file),
    from,
    to,
    String(count),
    String(CONCURRENCY),
  ],
});

const SDK_PAIR = programTool('GET and PUT of the bare SDK', 'peers-pair.ts');
const FLOOR = programTool('floor: https.get piped into https.request', 'peers-floor.ts');

const rclone = ({ server }: Place, isApart: boolean): Tool => ({
  name: 'rclone',
  version: ['rclone', 'version'],
  argv(from, to) {
    const { accessKeyId, secretAccessKey } = server.credentials;
    const at = `:s3,provider=Other,endpoint="${server.httpsEndpoint}",region=us-east-1,access_key_id=${accessKeyId},secret_access_key="${secretAccessKey}",no_check_bucket=true`;
    const options = ['--config', '', '--ca-cert', server.caFile, '--transfers', String(CONCURRENCY)];
    const way = isApart ? ['--disable', 'copy'] : [];
    return ['rclone', 'copy', `${at}:${from}`, `${at}:${to}`, ...options, ...way];
  },
});

const AWS_SYNC: Tool = {
  name: 'aws s3 sync',
  version: ['aws', '--version'],
  argv: (from, to) => ['aws', 's3', 'sync', '--only-show-errors', `s3://${from}`, `s3://${to}`],
};

const s5cmd = ({ server }: Place): Tool => ({
  name: 's5cmd',
  version: ['s5cmd', 'version'],
  argv: (from, to) => [
    's5cmd',
    '--endpoint-url',
    server.httpsEndpoint,
    '--no-verify-ssl',
    '--log',
    'error',
    'cp',
    `s3://${from}/*`,
    `s3://${to}/`,
  ],
});

const compare = async (place: Place, comparison: Comparison, rounds: number): Promise<Section> => {
  const { title, sizeBytes, count, tools, against, aim, per } = comparison;
  const from = `from-${sizeBytes}-${count}`;
  if (await makeBucket(place.client, from)) {
    // The clock is moved, because the objects that people copy are seldom new.
    await place.server.advance(-AGE_MS);
    await fill(place.client, from, { sizeBytes, count });
    await place.server.advance(AGE_MS);
  }
  const measured = new Map<string, { cpu: number[]; peakBytes: number; version: string }>();
  const missing: Figure[] = [];
  for (const tool of tools(place)) {
    const version = tool.version === null ? '' : await versionOf(tool.version);
    if (version === null) {
      missing.push(value(tool.name, 'measured: it is not installed', 0));
      continue;
    }
    const cpu: number[] = [];
    let peakBytes = 0;
    const idle = await copyOnce(place, tool, { from: 'empty', count: 0 });
    for (let round = 0; round < rounds; round++) {
      const run = await copyOnce(place, tool, { from, count });
      cpu.push((run.cpuSeconds - idle.cpuSeconds) / count / per.amount);
      peakBytes = Math.max(peakBytes, run.peakBytes);
    }
    measured.set(tool.name, { cpu, peakBytes, version });
  }
  const other = measured.get(against)?.cpu;
  const own = measured.get(OURS)?.cpu ?? [];
  return {
    title: `Copy ${count} objects of ${title}, ${CONCURRENCY} at once, https`,
    figures: [
      ...[...measured].flatMap(([name, { cpu, peakBytes, version }]) => [
        cost(`${name}${version === '' ? '' : ` (${version})`}: CPU`, per.unit, cpu),
        value(`${name}: peak RSS`, 'MB', peakBytes / 1e6, name === OURS ? '< 256 MB' : undefined),
      ]),
      ...missing,
      ...(other === undefined
        ? []
        : [value(`${OURS} against ${against}`, '×', median(own) / median(other), aim)]),
    ],
  };
};

let copies = 0;

/** Copies into a new bucket. Throws if the bucket lacks an object afterwards. */
const copyOnce = async (
  { server, client }: Place,
  tool: Tool,
  { from, count }: { from: string; count: number },
): Promise<Used> => {
  const to = `to-${copies++}`;
  await makeBucket(client, to);
  const used = await runMeasured(tool.argv(from, to, count), {
    AWS_ENDPOINT_URL: server.httpsEndpoint,
    AWS_CA_BUNDLE: server.caFile,
    NODE_EXTRA_CA_CERTS: server.caFile,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  });
  const { KeyCount: arrived = 0 } = await client.send(new ListObjectsV2Command({ Bucket: to }));
  // s5cmd fails if the bucket is empty. Therefore the exit code is ignored for an empty bucket.
  if (count > 0 && (used.code !== 0 || arrived < Math.min(count, 1_000)))
    throw new Error(`${tool.name}: ${arrived} objects arrived, exit code ${used.code}\n${used.output}`);
  return used;
};
