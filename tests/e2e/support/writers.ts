/** Writers of a bucket that is migrated. They write and delete until S3 refuses their calls, and remember the writes that S3 accepted. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3ServiceException,
  type S3Client,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';

export interface Writers {
  /** Resolves when S3 has refused every writer. */
  refused: Promise<unknown>;
  /** Resolves when S3 has accepted `count` more writes. */
  untilWritten(count: number): Promise<void>;
  /** Expects that each key in this bucket shows its last accepted write, and that none of its earlier versions is missing. */
  expectAt(s3: S3Client, bucket: string): Promise<void>;
}

const WRITERS = 3;
const KEYS = 15;
const PAUSE_MS = 150;
/** One of this many writes is a delete. The deletes are so rare that the brake of the rule does not hold them. */
const DELETE_EVERY = 25;

/** Starts the writers. Each writer has separate keys, so the order of the writes to a key is known. */
export const startWriters = (s3: S3Client, bucket: string, name: string): Writers => {
  /** The ETags of each key, oldest first. Null stands for a delete. */
  const accepted = new Map<string, (string | null)[]>();
  const progress = { writes: 0 };
  const write = async (Key: string, index: number): Promise<string | null> => {
    if (index % DELETE_EVERY === DELETE_EVERY - 1) {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
      return null;
    }
    const { ETag: etag = '' } = await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key, Body: `${name} ${Key} ${index}` }),
    );
    return etag;
  };
  const work = async (writer: number): Promise<void> => {
    for (let index = 0; ; index++) {
      const key = `${name}/${writer}/${index % KEYS}`;
      try {
        const written = await write(key, index);
        accepted.set(key, [...(accepted.get(key) ?? []), written]);
      } catch (error) {
        if (error instanceof S3ServiceException && error.name === 'AccessDenied') return;
        throw error;
      }
      progress.writes += 1;
      await sleep(PAUSE_MS);
    }
  };
  return {
    refused: Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer))),
    async untilWritten(more) {
      const enough = progress.writes + more;
      while (progress.writes < enough) await sleep(PAUSE_MS);
    },
    async expectAt(reader, place) {
      const found = await etagsIn(reader, place, `${name}/`);
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(
          [...accepted].map(([key, states]) => [
            key,
            { last: states.at(-1), versions: states.filter((state) => state !== null) },
          ]),
        ),
      );
    },
  };
};

/** Resolves to the current ETag of each key, null if it is deleted, and to the ETags of its versions, oldest first. */
const etagsIn = async (s3: S3Client, Bucket: string, Prefix: string) => {
  const found = new Map<string, { last: string | null; versions: string[] }>();
  let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix, ...marker }));
    const of = (key: string) => {
      const entry = found.get(key) ?? { last: null, versions: [] };
      found.set(key, entry);
      return entry;
    };
    for (const { Key: key = '', ETag: etag = '', IsLatest: isLatest } of page.Versions ?? []) {
      of(key).versions.unshift(etag);
      if (isLatest === true) of(key).last = etag;
    }
    if (page.IsTruncated !== true) return found;
    marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
};
