/** Measures some of the simulated listings again, but over HTTP from the local S3, with a delay of 50 ms per page. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createMemoryLedger } from '../src/lib/listing/ledger.ts';
import type { Keyed, ListPage } from '../src/lib/listing/page.ts';
import { wholeRange } from '../src/lib/listing/range.ts';
import { runLocally } from '../src/lib/listing/run-locally.ts';
import { type Figure, type Section, value } from './figure.ts';
import { listByBisection } from './listing-bisection.ts';
import { KEY_SETS } from './listing-keys.ts';
import { createPlainClient, type PlainClient } from './plain-client.ts';

const DELAY_MS = 50;
const SERIAL_PAGES = 60;
const SETS = ['uniform', 'one folder with 99.9 %', 'by date and hour'];
/** The numbers of workers and page sizes that are measured. The pages are small, so that a few objects make many pages. */
const SHAPES = [
  { workers: 16, pageSize: 50 },
  { workers: 64, pageSize: 6 },
];

interface Shape {
  workers: number;
  pageSize: number;
}

export async function* measureListingFromLocalS3(isShort: boolean): AsyncGenerator<Section> {
  const size = isShort ? 20_000 : 160_000;
  const child = fork(fileURLToPath(new URL('listing-local-s3-process.ts', import.meta.url)), [
    String(size),
    String(DELAY_MS),
    ...SETS,
  ]);
  const client = createPlainClient();
  try {
    const [urls]: string[][] = await once(child, 'message');
    const buckets = KEY_SETS.filter(({ name }) => SETS.includes(name)).map(({ name, aim }) => ({
      name,
      aim,
      ...countedListing(client, urls?.[SETS.indexOf(name)] ?? ''),
    }));
    for (const shape of isShort ? SHAPES.slice(0, 1) : SHAPES) {
      const figures: Figure[] = [];
      for (const bucket of buckets) figures.push(...(await compare(bucket, size, shape)));
      const { workers, pageSize } = shape;
      const pages = Math.ceil(size / pageSize);
      yield {
        title: `Listing ${size} keys from the local S3, ${pages} pages of ${pageSize}, ${DELAY_MS} ms injected per page, ${workers} workers`,
        figures,
      };
    }
  } finally {
    client.close();
    child.disconnect();
    await once(child, 'exit');
  }
}

interface Bucket {
  name: string;
  /** The aim for the share of the ideal speed-up, percent. */
  aim: string;
  listPage: ListPage<Keyed>;
  /** How many requests were sent since the last call. */
  requests(): number;
}

const countedListing = (client: PlainClient, bucketUrl: string): Pick<Bucket, 'listPage' | 'requests'> => {
  let requests = 0;
  return {
    requests() {
      const count = requests;
      requests = 0;
      return count;
    },
    async listPage({ after, maxKeys }) {
      requests += 1;
      const query = new URLSearchParams({
        'list-type': '2',
        'encoding-type': 'url',
        'max-keys': String(maxKeys),
        'start-after': after.key,
      });
      const { text } = await client.send('GET', `${bucketUrl}?${query.toString()}`);
      const entries = Array.from(text.matchAll(/<Key>([^<]*)</g), ([, key = '']) => ({
        key: decodeURIComponent(key.replaceAll('+', ' ')),
      }));
      const last = entries.at(-1);
      const isTruncated = text.includes('<IsTruncated>true<') && last !== undefined;
      return { entries, next: isTruncated ? { key: last.key, versionId: null } : null };
    },
  };
};

const compare = async (bucket: Bucket, size: number, shape: Shape): Promise<Figure[]> => {
  const { name, aim } = bucket;
  const pages = Math.ceil(size / shape.pageSize);
  const serial = await serialSecondsPerPage(bucket, shape);
  const timed = async (list: (bucket: Bucket, shape: Shape) => Promise<number>) => {
    bucket.requests();
    const startMs = performance.now();
    const keys = await list(bucket, shape);
    const seconds = (performance.now() - startMs) / 1_000;
    if (keys !== size) throw new Error(`${keys} keys were listed instead of ${size}`);
    const share = ((serial * pages) / seconds / shape.workers) * 100;
    return { keysPerSecond: size / seconds, share, perPage: bucket.requests() / pages };
  };
  const ours = await timed(listByRanges);
  const bisection = await timed(({ listPage }) => listByBisection(listPage, shape));
  return [
    value(`${name}: serial listing`, 'keys/s', shape.pageSize / serial),
    value(`${name}: ranges`, 'keys/s', ours.keysPerSecond),
    value(`${name}: of the ideal speed-up`, '%', ours.share, aim),
    value(`${name}: requests per full page`, '', ours.perPage, '≤ 1.15'),
    value(`${name}: bisection, of the ideal speed-up`, '%', bisection.share),
    value(`${name}: bisection, requests per full page`, '', bisection.perPage),
  ];
};

const serialSecondsPerPage = async ({ listPage }: Bucket, { pageSize }: Shape): Promise<number> => {
  let after = { key: '', versionId: null as string | null };
  const startMs = performance.now();
  for (let page = 0; page < SERIAL_PAGES; page += 1) {
    const { next } = await listPage({ prefix: '', after, maxKeys: pageSize });
    if (next === null) throw new Error('the bucket is too small for the serial listing');
    after = next;
  }
  return (performance.now() - startMs) / 1_000 / SERIAL_PAGES;
};

/** Lists a bucket in the same way as the replicator. Returns the number of keys. */
const listByRanges = async ({ listPage }: Bucket, { workers, pageSize }: Shape): Promise<number> => {
  let keys = 0;
  const run = runLocally({
    ranges: [wholeRange()],
    workers,
    limits: { prefix: '', pageSize },
    ports: {
      listPage,
      ledger: createMemoryLedger([wholeRange()]),
      now: Date.now,
      consumerOf:
        () =>
        async ({ entries }) => {
          keys += entries.length;
          return null;
        },
    },
  });
  await run.finished;
  return keys;
};
