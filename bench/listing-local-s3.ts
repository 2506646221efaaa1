/** The same listing over HTTP, from the local S3 with 50 ms injected per page. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createMemoryLedger } from '../src/lib/listing/ledger.ts';
import type { Keyed, ListPage } from '../src/lib/listing/page.ts';
import { wholeRange } from '../src/lib/listing/range.ts';
import { runLocally } from '../src/lib/listing/run-locally.ts';
import { type Section, value } from './figure.ts';
import { createPlainClient } from './plain-client.ts';

const DELAY_MS = 50;
const SERIAL_PAGES = 60;

export const measureListingFromLocalS3 = async (isShort: boolean): Promise<Section> => {
  // Small pages, so that there are many of them and the objects are soon made.
  const size = isShort ? 20_000 : 40_000;
  const child = fork(fileURLToPath(new URL('listing-local-s3-process.ts', import.meta.url)), [
    String(size),
    String(DELAY_MS),
  ]);
  const client = createPlainClient();
  try {
    const [bucketUrl]: string[] = await once(child, 'message');
    let requests = 0;
    const listPage: ListPage<Keyed> = async ({ after, maxKeys }) => {
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
    };
    const timed = async (workers: number, pageSize: number) => {
      requests = 0;
      let keys = 0;
      const startMs = performance.now();
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
      if (keys !== size) throw new Error(`${keys} keys were listed instead of ${size}`);
      return { seconds: (performance.now() - startMs) / 1_000, requests, pages: Math.ceil(size / pageSize) };
    };
    const serialSeconds = async (pageSize: number): Promise<number> => {
      let after = { key: '', versionId: null as string | null };
      const startMs = performance.now();
      for (let page = 0; page < SERIAL_PAGES; page += 1) {
        const { next } = await listPage({ prefix: '', after, maxKeys: pageSize });
        if (next === null) throw new Error('the bucket is too small for the serial listing');
        after = next;
      }
      return (performance.now() - startMs) / 1_000 / SERIAL_PAGES;
    };
    const figures: Section['figures'] = [];
    for (const { workers, pageSize } of [
      { workers: 16, pageSize: 50 },
      { workers: 64, pageSize: 12 },
    ]) {
      const perPage = await serialSeconds(pageSize);
      const { seconds, requests: used, pages } = await timed(workers, pageSize);
      figures.push(
        value(`${workers} workers, ${pages} pages of ${pageSize} keys`, 'keys/s', size / seconds),
        value(
          `${workers} workers: of the ideal speed-up over serial`,
          '%',
          ((perPage * pages) / seconds / workers) * 100,
        ),
        value(`${workers} workers: requests per full page`, '', used / pages, '≤ 1.15'),
      );
    }
    return {
      title: `Listing ${size} keys (UUIDs) from the local S3, ${DELAY_MS} ms injected per page`,
      figures,
    };
  } finally {
    client.close();
    child.disconnect();
    await once(child, 'exit');
  }
};
