/**
 * Measures `copy` beside the tools that people use otherwise: each in a process of its own, in turns, against one local S3 over https. The CPU
 * time of the same command for a single object is taken off, so that starting a program does not count.
 */
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { type LocalAws, startLocalAws } from '@s3-replicator/local-aws';
import { mapConcurrently } from '../src/lib/model/concurrency.ts';
import { cost, type Figure, type Section, value } from './figure.ts';
import { type Measured, measureCommand, versionOf } from './peer-command.ts';

const ACCOUNT = '111111111111';
const REGION = 'us-east-1';
const FROM = 'bench-from';
const KIB = 1024;
const MIB = 1024 * KIB;

interface Workload {
  /** The folder in which its objects are. */
  name: string;
  title: string;
  objects: number;
  sizeBytes: number;
  /** What the CPU time is divided by. */
  unit: 'object' | 'GB';
}

const workloads = (isShort: boolean): Workload[] => [
  {
    name: 'small',
    title: 'objects of 16 KiB',
    objects: isShort ? 1_500 : 5_000,
    sizeBytes: 16 * KIB,
    unit: 'object',
  },
  { name: 'medium', title: 'objects of 1 MiB', objects: isShort ? 100 : 500, sizeBytes: MIB, unit: 'object' },
  {
    name: 'large',
    title: 'objects of 64 MiB in parts of 8 MiB',
    objects: isShort ? 4 : 16,
    sizeBytes: 64 * MIB,
    unit: 'GB',
  },
];

/** What starting a program costs is measured with one object, because some tools refuse an empty folder. */
const NEARLY_EMPTY: Workload = { name: 'one', title: '', objects: 1, sizeBytes: 1, unit: 'object' };

interface Tool {
  name: string;
  /** The command that copies a folder from one bucket to another. */
  command(folder: string, to: string): string[];
  environment: Record<string, string>;
}

export const measurePeers = async function* (isShort: boolean): AsyncGenerator<Section> {
  await using cleanUp = new AsyncDisposableStack();
  const aws = await startLocalAws({ region: REGION });
  cleanUp.defer(() => aws.stop());
  aws.s3.createBucket({ name: FROM, accountId: ACCOUNT, region: REGION });
  await fill(aws, NEARLY_EMPTY);
  const rounds = isShort ? 1 : 5;
  const { streaming, inside, versions } = await toolsAt(aws);
  yield { title: `Peers: ${versions.join(', ')}`, figures: [] };
  for (const workload of workloads(isShort)) {
    await fill(aws, workload);
    yield await compare(aws, { workload, tools: streaming, rounds, how: 'through this machine' });
    yield await compare(aws, { workload, tools: inside, rounds, how: 'copied by S3 itself' });
  }
};

const fill = async (aws: LocalAws, { name, objects, sizeBytes }: Workload): Promise<void> => {
  const { accessKeyId, secretAccessKey } = aws.root(ACCOUNT);
  const client = new S3Client({
    endpoint: aws.httpEndpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  await mapConcurrently([...Array(objects).keys()], 4, async (index) => {
    const params = {
      Bucket: FROM,
      Key: `${name}/${index}`,
      Body: Buffer.alloc(sizeBytes, `${index} replicate `),
    };
    if (sizeBytes > 8 * MIB) await new Upload({ client, params, partSize: 8 * MIB }).done();
    else await client.send(new PutObjectCommand(params));
  });
  client.destroy();
};

const toolsAt = async (aws: LocalAws) => {
  const { accessKeyId, secretAccessKey } = aws.root(ACCOUNT);
  const credentials = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
  };
  const node = { ...credentials, AWS_ENDPOINT_URL: aws.endpoint, NODE_EXTRA_CA_CERTS: aws.caFile };
  const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const copy = (...more: string[]): Tool => ({
    name: 's3-replicator copy',
    command: (folder, to) => [
      ...[execPath, script('../bin/s3-replicator.mjs'), 'copy'],
      ...[`s3://${FROM}/${folder}`, `s3://${to}/${folder}`, ...more],
    ],
    environment: node,
  });
  const pair: Tool = {
    name: 'bare SDK, GET + PUT',
    command: (folder, to) => [execPath, script('peer-pair.ts'), FROM, `${folder}/`, to],
    environment: node,
  };
  // Another name for the same server, so that S3 is not asked to copy by itself.
  const elsewhere = aws.endpoint.replace('127.0.0.1', 'localhost');
  const rclone = (...more: string[]): Tool => ({
    name: 'rclone',
    command: (folder, to) => [
      ...['rclone', 'copy', '--config', '', '--s3-no-check-bucket', ...more],
      ...['--transfers', '32', '--checkers', '8', '--metadata'],
      ...[`local:${FROM}/${folder}`, `local:${to}/${folder}`],
    ],
    environment: {
      ...credentials,
      RCLONE_CONFIG_LOCAL_TYPE: 's3',
      RCLONE_CONFIG_LOCAL_PROVIDER: 'Other',
      RCLONE_CONFIG_LOCAL_ENV_AUTH: 'true',
      RCLONE_CONFIG_LOCAL_ENDPOINT: aws.endpoint,
      RCLONE_CONFIG_LOCAL_REGION: REGION,
      RCLONE_CONFIG_LOCAL_FORCE_PATH_STYLE: 'true',
      RCLONE_CA_CERT: aws.caFile,
    },
  });
  const sync: Tool = {
    name: 'aws s3 sync',
    command: (folder, to) => [
      'aws',
      's3',
      'sync',
      '--quiet',
      `s3://${FROM}/${folder}`,
      `s3://${to}/${folder}`,
    ],
    environment: { ...credentials, AWS_ENDPOINT_URL: aws.endpoint, AWS_CA_BUNDLE: aws.caFile },
  };
  const s5cmd: Tool = {
    name: 's5cmd sync',
    command: (folder, to) => [
      's5cmd',
      '--log',
      'error',
      'sync',
      `s3://${FROM}/${folder}/*`,
      `s3://${to}/${folder}/`,
    ],
    environment: { ...credentials, S3_ENDPOINT_URL: aws.endpoint, SSL_CERT_FILE: aws.caFile },
  };
  const versions = {
    rclone: await versionOf('rclone', 'version'),
    aws: await versionOf('aws', '--version'),
    s5cmd: await versionOf('s5cmd', 'version'),
  };
  const installed = (tool: Tool, version: string | null): Tool[] => (version === null ? [] : [tool]);
  return {
    streaming: [
      pair,
      copy('--destination-endpoint', elsewhere),
      ...installed(rclone('--disable', 'copy'), versions.rclone),
    ],
    inside: [
      copy(),
      ...installed(sync, versions.aws),
      ...installed(rclone(), versions.rclone),
      ...installed(s5cmd, versions.s5cmd),
    ],
    versions: Object.entries(versions).map(([name, version]) =>
      version === null ? `${name} not installed` : version.startsWith(name) ? version : `${name} ${version}`,
    ),
  };
};

interface Comparison {
  workload: Workload;
  tools: readonly Tool[];
  rounds: number;
  how: string;
}

const compare = async (aws: LocalAws, { workload, tools, rounds, how }: Comparison): Promise<Section> => {
  const { name, title, objects, sizeBytes, unit } = workload;
  const runs = new Map<string, { cpu: number[]; peakRssBytes: number }>();
  const starts = new Map<string, Measured>();
  for (const tool of tools) starts.set(tool.name, await runOnce(aws, tool, NEARLY_EMPTY.name));
  for (let round = 0; round < rounds; round++)
    for (const tool of tools) {
      const full = await runOnce(aws, tool, name);
      const known = runs.get(tool.name) ?? { cpu: [], peakRssBytes: 0 };
      const seconds = full.cpuSeconds - (starts.get(tool.name)?.cpuSeconds ?? 0);
      known.cpu.push(
        unit === 'object' ? (seconds * 1_000) / objects : seconds / ((objects * sizeBytes) / 1e9),
      );
      known.peakRssBytes = Math.max(known.peakRssBytes, full.peakRssBytes);
      runs.set(tool.name, known);
    }
  const figures: Figure[] = [...runs].flatMap(([tool, { cpu, peakRssBytes }]) => [
    cost(`${tool}: CPU`, unit === 'object' ? 'CPU-ms/object' : 'CPU-s/GB', cpu),
    value(
      `${tool}: peak RSS`,
      'MB',
      peakRssBytes / 1e6,
      tool === 's3-replicator copy' ? '< 256 MB' : undefined,
    ),
  ]);
  const best = (tool: string): number => Math.min(...(runs.get(tool)?.cpu ?? []));
  for (const [other, aim] of AIMS[`${how} ${name}`] ?? [])
    if (runs.has(other))
      figures.push(value(`copy against ${other}`, '×', best('s3-replicator copy') / best(other), aim));
  return { title: `Peers, ${objects} ${title}, ${how}, https`, figures };
};

const AIMS: Record<string, [other: string, aim: string | undefined][]> = {
  'through this machine small': [
    ['bare SDK, GET + PUT', '≤ 1.25'],
    ['rclone', undefined],
  ],
  'through this machine medium': [['rclone', '≤ 1.3']],
  'through this machine large': [['rclone', '≤ 1.1']],
  'copied by S3 itself small': [['aws s3 sync', '< 1']],
  'copied by S3 itself medium': [['aws s3 sync', '< 1']],
  'copied by S3 itself large': [['aws s3 sync', '< 1']],
};

/** Some versions of rclone send an ACL with every object. */
const ACLS = { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] };

let buckets = 0;

/** Copies a folder into a new bucket. */
const runOnce = async (aws: LocalAws, tool: Tool, folder: string): Promise<Measured> => {
  const to = `bench-to-${buckets++}`;
  aws.s3.createBucket({ name: to, accountId: ACCOUNT, region: REGION, OwnershipControls: ACLS });
  return await measureCommand(tool.command(folder, to), tool.environment);
};
