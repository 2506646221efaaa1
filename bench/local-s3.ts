/**
 * Compares the local S3 with a server that discards uploads and generates downloads. The two are measured in turns, over HTTP on the
 * loopback interface. The client is either the AWS SDK, as for a user, or a bare client whose own cost is negligible.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { Credentials } from '@s3-replicator/local-aws';
import { startCounterpart } from './counterpart.ts';
import { counterpartKey } from './counterpart-object.ts';
import { cost, type Figure, rate, type Section, value } from './figure.ts';
import { LOCAL_BUCKET, type LocalS3Server, startLocalS3Server } from './local-s3-server.ts';
import {
  concurrently,
  GIB,
  getRanges,
  getWhole,
  PARTS,
  putFile,
  putParts,
  putWhole,
  type Server,
  UNSIGNED,
  uploadFile,
  type Work,
} from './local-s3-transfers.ts';
import { createPlainClient } from './plain-client.ts';

const MIB = 1024 ** 2;
const AIM = '≤ 1.5';
const MEBIBYTE = Buffer.alloc(MIB, 'replicate ');

export const measureLocalS3 = async function* (isShort: boolean): AsyncGenerator<Section> {
  const rounds = isShort ? 1 : 7;
  await using cleanUp = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'bench-local-s3-'));
  cleanUp.defer(() => rm(directory, { recursive: true }));
  const file = join(directory, 'gibibyte');
  await writeGibibytes(file, 1);
  const local = await startLocalS3Server();
  cleanUp.defer(() => local.stop());
  const counterpart = await startCounterpart();
  cleanUp.defer(() => counterpart.stop());
  const client = createPlainClient();
  cleanUp.defer(() => client.close());
  const serverAt = (endpoint: string): Server => ({
    client,
    sdk: sdkClient(endpoint, local.credentials),
    file,
    base: `${endpoint}/${LOCAL_BUCKET}`,
    key: (sizeBytes) => counterpartKey({ sizeBytes, partBytes: 0 }, String(count++)),
  });
  const servers = { local: serverAt(local.endpoint), discarding: serverAt(counterpart.httpEndpoint) };
  for (const large of isShort ? LARGE.slice(0, 1) : LARGE) yield await compare(servers, local, large, rounds);
  yield await measureSmall(servers.local, rounds);
};

let count = 0;

/** Makes a client with the SDK's defaults, except for the settings that the local address needs. */
const sdkClient = (endpoint: string, credentials: Credentials): S3Client =>
  new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });

const writeGibibytes = async (path: string, gibibytes: number): Promise<void> => {
  await using file = await open(path, 'w');
  for (let at = 0; at < gibibytes * GIB; at += MIB) await file.write(MEBIBYTE);
};

/**
 * Makes the machine take enough memory from its host before the measurement. A virtual machine may return free memory to its host, and
 * getting 1 GiB back takes over a second, which would count as the time of the upload. Twice the needed memory is taken, because the host
 * may also reclaim some of it during the measurement.
 */
const takeMemory = async (scratch: string): Promise<void> => {
  await writeGibibytes(scratch, 2);
  await rm(scratch);
};

/** A way of moving 1 GiB. If `stored` is true, the object is stored before the measurement. */
interface Large {
  what: string;
  stored: boolean;
  /** Absent if computing the MD5 alone takes longer than the aim. */
  aim?: string;
  work: Work;
}

const LARGE: Large[] = [
  {
    what: 'PutObject of a file of 1 GiB, AWS SDK',
    stored: false,
    aim: AIM,
    work: putFile,
  },
  {
    what: `Upload of a file in ${PARTS} × 16 MiB, AWS SDK`,
    stored: false,
    aim: AIM,
    work: uploadFile,
  },
  { what: 'PUT 1 GiB, bare client', stored: false, work: putWhole },
  {
    what: `multipart upload, ${PARTS} × 16 MiB, bare client`,
    stored: false,
    work: putParts,
  },
  { what: 'GET 1 GiB, bare client', stored: true, aim: AIM, work: getWhole },
  {
    what: `GET by ${PARTS} ranges, bare client`,
    stored: true,
    aim: AIM,
    work: getRanges,
  },
];

const compare = async (
  servers: Servers,
  local: LocalS3Server,
  large: Large,
  rounds: number,
): Promise<Section> => {
  const runs: Run[] = [];
  for (let round = 0; round <= rounds; round++) runs.push(await runOnce(servers, local, large));
  const { peakRssBytes } = await local.report();
  return {
    title: `Local S3, ${large.what}, http`,
    figures: [
      // The first round is left out because it only warms up both servers.
      ...figuresOf(runs.slice(1), large),
      value('peak RSS of the local S3 so far', 'MB', peakRssBytes / 1e6, '< 256 MB'),
    ],
  };
};

interface Servers {
  local: Server;
  discarding: Server;
}

/** All values are seconds. */
interface Run {
  local: number;
  discarding: number;
  md5: number;
  localCpu: number;
  /** The CPU time of this process while it moved the object to or from the local S3. */
  clientCpu: number;
}

const runOnce = async (servers: Servers, local: LocalS3Server, { work, stored }: Large): Promise<Run> => {
  const before = await local.report();
  const { seconds, clientCpu } = await timed(servers.local, work, stored);
  const after = await local.report();
  return {
    local: seconds,
    clientCpu,
    discarding: (await timed(servers.discarding, work, stored)).seconds,
    md5: stored ? 0 : timeMd5(),
    localCpu: after.cpuSeconds - before.cpuSeconds,
  };
};

const figuresOf = (runs: Run[], { stored, aim }: Large): Figure[] => {
  const each = (figure: (run: Run) => number): number[] => runs.map(figure);
  const figures = [
    rate(
      'local S3',
      'MB/s',
      each((run) => GIB / 1e6 / run.local),
    ),
    rate(
      'a server that discards',
      'MB/s',
      each((run) => GIB / 1e6 / run.discarding),
    ),
    cost(
      'time against the server that discards',
      '×',
      each((run) => run.local / run.discarding),
      aim,
    ),
  ];
  if (stored) return figures;
  return [
    ...figures,
    cost(
      'MD5 alone against the server that discards',
      '×',
      each((run) => run.md5 / run.discarding),
    ),
    cost(
      'CPU of the local S3',
      'CPU-s/GB',
      each((run) => run.localCpu / (GIB / 1e9)),
    ),
    cost(
      'CPU of its client',
      'CPU-s/GB',
      each((run) => run.clientCpu / (GIB / 1e9)),
    ),
    cost(
      'both on all cores alike against the server that discards',
      '×',
      each((run) => (run.localCpu + run.clientCpu) / availableParallelism() / run.discarding),
    ),
  ];
};

/**
 * Measures how long the MD5 of 1 GiB takes. The MD5 is the ETag of a PUT, so a PUT takes at least this long with any S3 server on this
 * machine.
 */
const timeMd5 = (): number => {
  const start = performance.now();
  const hash = createHash('md5');
  for (let at = 0; at < GIB; at += MIB) hash.update(MEBIBYTE);
  hash.digest();
  return (performance.now() - start) / 1000;
};

const timed = async (
  server: Server,
  work: Work,
  stored: boolean,
): Promise<{ seconds: number; clientCpu: number }> => {
  const key = server.key(GIB);
  if (stored) await putParts(server, key);
  else await takeMemory(`${server.file}-scratch`);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  await work(server, key);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await server.client.send('DELETE', `${server.base}/${key}`);
  return { seconds, clientCpu: (user + system) / 1e6 };
};

const SMALL_BYTES = 1024;
const SMALL_COUNT = 1000;
const SMALL_CONCURRENCY = 16;

const measureSmall = async (server: Server, rounds: number): Promise<Section> => {
  const puts: number[] = [];
  const heads: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const keys = Array.from({ length: SMALL_COUNT }, () => server.key(SMALL_BYTES));
    const perSecond = async (send: (url: string) => Promise<unknown>): Promise<number> => {
      const start = performance.now();
      await concurrently(keys, (key) => send(`${server.base}/${key}`), SMALL_CONCURRENCY);
      return SMALL_COUNT / ((performance.now() - start) / 1000);
    };
    const put = await perSecond((url) =>
      server.client.send('PUT', url, { bodyBytes: SMALL_BYTES, headers: UNSIGNED }),
    );
    const head = await perSecond((url) => server.client.send('HEAD', url));
    if (round === 0) continue;
    puts.push(put);
    heads.push(head);
  }
  return {
    title: `Local S3, ${SMALL_COUNT} objects of 1 KiB, ${SMALL_CONCURRENCY} at a time, http`,
    figures: [
      { ...rate('PUT', '/s', puts), aim: '≥ 1,000' },
      { ...rate('HEAD', '/s', heads), aim: '≥ 1,000' },
    ],
  };
};
