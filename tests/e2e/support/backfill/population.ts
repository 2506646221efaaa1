/** Generates bucket contents for the proof of the backfill from a seed: keys of every shape, each with its versions. */
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  commonPrefix,
  dates,
  type KeySet,
  oneFolder,
  randomOf,
  unicode,
  uniform,
} from '../../../../bench/listing-keys.ts';
import type { LocalAws } from '@s3-replicator/local-aws';
import { mapConcurrently } from '../../../../src/lib/model/concurrency.ts';

export interface Planted {
  key: string;
  /** States of the key, oldest first. Null is a delete marker. */
  history: (Content | null)[];
  isArchived: boolean;
}

interface Content {
  sizeBytes: number;
  /** Contents with the same seed and size have the same bytes. */
  seed: number;
}

export interface Population {
  /** Keys of rule `current`, with one version each. */
  current: Planted[];
  /** The keys of `current` that the destination already has. */
  already: Planted[];
  /** Keys that only the destination of rule `current` has. */
  extra: Planted[];
  /** Keys of rule `whole`. */
  whole: Planted[];
}

/**
 * Generates a population. `versions` is the number of versions and delete markers in the source. One in 300 keys of rule `current`
 * is archived, so it cannot be replicated.
 */
export const populationOf = (versions: number, seed: number): Population => {
  const random = randomOf(seed);
  const one = (key: string): Planted => ({ key, history: [contentOf(random)], isArchived: false });
  const current = keysOf('in/', Math.round(versions * 0.4)).map(one);
  const already = current.filter((_, index) => index % 5 === 0);
  for (const [index, planted] of current.entries()) planted.isArchived = index % 300 === 1;
  const extra = keysOf('in/extra/', Math.ceil(versions / 400)).map(one);

  const stack = Math.round(versions / 50);
  const whole = [{ ...one('one key with many versions'), history: historyOf(random, stack) }];
  let left = versions - current.length - stack;
  const keys = keysOf('', left);
  while (left > 0) {
    const length = Math.min(left, 1 + Math.floor(random() ** 3 * 12));
    left -= length;
    whole.push({ key: keys.pop() ?? '', history: historyOf(random, length), isArchived: false });
  }
  return { current, already, extra, whole };
};

const SIZES = [0, 1, 100, 1_000, 4_000];

const contentOf = (random: () => number): Content => ({
  sizeBytes: Math.floor(random() * (SIZES[Math.floor(random() * SIZES.length)] ?? 0)),
  seed: Math.floor(random() * 8),
});

const historyOf = (random: () => number, length: number): (Content | null)[] =>
  Array.from({ length }, () => (random() < 0.15 ? null : contentOf(random)));

/**
 * Generates keys of six kinds: in folders, with dates, mostly in one folder, with a common prefix of 900 bytes, in many scripts,
 * and with awkward characters.
 */
const keysOf = (prefix: string, count: number): string[] => {
  const size = Math.ceil(count / 6);
  const sets: KeySet[] = [uniform, dates, oneFolder, commonPrefix, unicode].map((make) => make(size));
  const keys = sets.flatMap(({ keyAt }) => Array.from({ length: size }, (_, rank) => keyAt(rank)));
  for (let index = 0; index < size; index += 1) keys.push(`${index}${ODD[index % ODD.length]}`);
  return [...new Set(keys)].slice(-count).map((key) => prefix + key);
};

const ODD = [
  '',
  '/',
  '//x',
  '/../.',
  ' ',
  '+ %2B',
  '"quoted", so',
  '=1+1',
  'line\nend',
  '\u007f',
  '<&>\u{1f600}',
  '\uffef',
];

/** Writes the states of each key in their order, with the rights of the bucket's owner. */
export const plant = async (aws: LocalAws, s3: S3Client, bucket: string, all: Planted[]): Promise<void> => {
  await mapConcurrently(all, 24, async ({ key, history, isArchived }) => {
    for (const content of history) {
      if (content === null) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      // The object is created inside the local S3, because uploads over the network would take longer than the backfill itself.
      else
        aws.s3.createSparseObject({
          bucket,
          key,
          ...content,
          headers: isArchived ? { 'x-amz-storage-class': 'GLACIER' } : {},
        });
    }
  });
};

export interface Changing extends AsyncDisposable {
  /** Stops the changes. Resolves to the number of changes. */
  stop(): Promise<number>;
}

/** Writes, overwrites and deletes objects at random until `stop` is called. */
export const keepChanging = (s3: S3Client, { current, whole }: Population, seed: number): Changing => {
  const random = randomOf(seed);
  const places = [
    ...current.filter(({ isArchived }) => !isArchived).map(({ key }) => ({ Bucket: 'current', Key: key })),
    ...whole.map(({ key }) => ({ Bucket: 'whole', Key: key })),
  ];
  const ending = new AbortController();
  let changes = 0;
  const change = async (): Promise<void> => {
    const place = places[Math.floor(random() * places.length)] ?? { Bucket: '', Key: '' };
    const kind = random();
    const isNew = kind < 0.3;
    const Key = isNew ? `${place.Key.slice(0, 500)}, live ${changes}` : place.Key;
    changes += 1;
    if (kind > 0.85) await s3.send(new DeleteObjectCommand(place));
    else await s3.send(new PutObjectCommand({ ...place, Key, Body: `change ${changes}` }));
  };
  const work = (async () => {
    while (!ending.signal.aborted) {
      await change();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  const stop = async (): Promise<number> => {
    ending.abort();
    await work;
    return changes;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
};

/** How long to wait between changes. The replicator works on each change, so a shorter pause would overload a busy machine. */
const PAUSE_MS = 150;
