/** The local S3 against a server that discards what it gets and makes up what it gives, in turns, over loopback and HTTP. */
import { startCounterpart } from './counterpart.ts';
import { counterpartKey } from './counterpart-object.ts';
import { median, rate, type Section, value } from './figure.ts';
import { LOCAL_BUCKET, type LocalS3Server, startLocalS3Server } from './local-s3-server.ts';
import { createPlainClient, type PlainClient } from './plain-client.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const PART_BYTES = 16 * MIB;
const PARTS = GIB / PART_BYTES;
const CONCURRENCY = 4;
const AIM = '≤ 1.5';

/** A server under measurement. */
interface Server {
  client: PlainClient;
  /** URL of a bucket. */
  base: string;
  /** A key which the discarding server takes for an object of this size. */
  key(sizeBytes: number): string;
}

export const measureLocalS3 = async (isShort: boolean): Promise<Section[]> => {
  const rounds = isShort ? 3 : 7;
  const local = await startLocalS3Server();
  const counterpart = await startCounterpart();
  const client = createPlainClient();
  try {
    const servers = {
      local: serverAt(client, local.endpoint),
      discarding: serverAt(client, counterpart.httpEndpoint),
    };
    const large = await compareLarge(servers, local, rounds);
    return [...large, await measureSmall(servers.local, rounds)];
  } finally {
    client.close();
    await Promise.all([local.stop(), counterpart.stop()]);
  }
};

let count = 0;

const serverAt = (client: PlainClient, endpoint: string): Server => ({
  client,
  base: `${endpoint}/${LOCAL_BUCKET}`,
  key: (sizeBytes) => counterpartKey({ sizeBytes, partBytes: 0 }, String(count++)),
});

type Work = (server: Server, key: string) => Promise<void>;

/** Each moves 1 GiB. A `stored` object is there before the time is taken. */
const LARGE: { what: string; stored: boolean; work: Work }[] = [
  { what: 'PUT 1 GiB', stored: false, work: (server, key) => putWhole(server, key) },
  {
    what: `multipart upload, ${PARTS} × 16 MiB`,
    stored: false,
    work: (server, key) => putParts(server, key),
  },
  { what: 'GET 1 GiB', stored: true, work: (server, key) => getWhole(server, key) },
  { what: `GET by ${PARTS} ranges`, stored: true, work: (server, key) => getRanges(server, key) },
];

const compareLarge = async (
  servers: { local: Server; discarding: Server },
  local: LocalS3Server,
  rounds: number,
): Promise<Section[]> => {
  const sections: Section[] = [];
  for (const { what, stored, work } of LARGE) {
    const rates = { local: [] as number[], discarding: [] as number[] };
    const ratios: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const before = await local.report();
      const seconds = await timed(servers.local, work, stored);
      const after = await local.report();
      const floor = await timed(servers.discarding, work, stored);
      // The first round warms both up.
      if (round === 0) continue;
      rates.local.push(GIB / 1e6 / seconds);
      rates.discarding.push(GIB / 1e6 / floor);
      ratios.push(seconds / floor);
      if (!stored) cpu.push((after.cpuSeconds - before.cpuSeconds) / (GIB / 1e9));
    }
    sections.push({
      title: `Local S3, ${what}, http`,
      figures: [
        rate('local S3', 'MB/s', rates.local),
        rate('a server that discards', 'MB/s', rates.discarding),
        {
          what: 'time against the server that discards',
          unit: '×',
          best: Math.min(...ratios),
          median: median(ratios),
          aim: AIM,
        },
        ...(cpu.length === 0
          ? []
          : [{ what: 'CPU of the local S3', unit: 'CPU-s/GB', best: Math.min(...cpu), median: median(cpu) }]),
        value('peak RSS of the local S3 so far', 'MB', (await local.report()).peakRssBytes / 1e6),
      ],
    });
  }
  return sections;
};

const timed = async (server: Server, work: Work, stored: boolean): Promise<number> => {
  const key = server.key(GIB);
  if (stored) await putParts(server, key);
  const start = performance.now();
  await work(server, key);
  const seconds = (performance.now() - start) / 1000;
  await server.client.send('DELETE', `${server.base}/${key}`);
  return seconds;
};

const putWhole: Work = async ({ client, base }, key) => {
  await client.send('PUT', `${base}/${key}`, { bodyBytes: GIB, headers: UNSIGNED });
};

const putParts: Work = async ({ client, base }, key) => {
  const url = `${base}/${key}`;
  const created = await client.send('POST', `${url}?uploads`);
  const uploadId = /<UploadId>([^<]+)</.exec(created.text)?.[1] ?? '';
  const numbers = Array.from({ length: PARTS }, (_, index) => index + 1);
  const parts = await concurrently(numbers, async (number) => {
    const { etag } = await client.send('PUT', `${url}?partNumber=${number}&uploadId=${uploadId}`, {
      bodyBytes: PART_BYTES,
      headers: UNSIGNED,
    });
    return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`;
  });
  const body = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
  await client.send('POST', `${url}?uploadId=${uploadId}`, { body });
};

const getWhole: Work = async ({ client, base }, key) => {
  expectBytes((await client.send('GET', `${base}/${key}`)).receivedBytes, GIB);
};

const getRanges: Work = async ({ client, base }, key) => {
  const starts = Array.from({ length: PARTS }, (_, index) => index * PART_BYTES);
  await concurrently(starts, async (start) => {
    const range = `bytes=${start}-${start + PART_BYTES - 1}`;
    const { receivedBytes } = await client.send('GET', `${base}/${key}`, { headers: { range } });
    expectBytes(receivedBytes, PART_BYTES);
  });
};

const UNSIGNED = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
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

/** A body that is not whole would make a fine but wrong figure. */
const expectBytes = (receivedBytes: number, expectedBytes: number): void => {
  if (receivedBytes !== expectedBytes)
    throw new Error(`${receivedBytes} bytes came instead of ${expectedBytes}`);
};

/** Results in the order of the items. */
const concurrently = async <T, R>(
  items: T[],
  work: (item: T) => Promise<R>,
  limit = CONCURRENCY,
): Promise<R[]> => {
  const results: R[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      const item = items[index];
      if (item !== undefined) results[index] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: limit }, run));
  return results;
};
