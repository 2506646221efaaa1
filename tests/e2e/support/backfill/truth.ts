/** Compares two buckets by listing them with their owners' rights, independently of the replicator. */
import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { withBodyText } from '../../../../src/lib/aws/s3/client/command-hooks.ts';

/** The result of a comparison. Its fields are named as in the replicator's report. */
export interface Truth {
  keys: number;
  versions: number;
  bytes: number;
  /** `[key, difference]` of each key that differs, in the order of the keys' UTF-16 code units. */
  differences: [key: string, difference: string][];
}

interface State {
  /** Null for a delete marker. */
  etag: string | null;
  sizeBytes: number;
}

/**
 * The states of each key, oldest first. Delete markers are counted as they are replicated: several in a row count as one, and a
 * marker before the first version does not count.
 */
export type Histories = Map<string, State[]>;

/** Lists a bucket whose keys all begin with `strip`. The result contains the keys without this prefix. */
export const historiesIn = async (s3: S3Client, bucket: string, strip = ''): Promise<Histories> => {
  const newestFirst = new Map<string, State[]>();
  for await (const { key, ...state } of listed(s3, bucket, strip)) {
    const states = newestFirst.get(key.slice(strip.length)) ?? [];
    newestFirst.set(key.slice(strip.length), states);
    states.push(state);
  }
  const histories: Histories = new Map();
  for (const [key, states] of newestFirst) {
    const counting = states
      .toReversed()
      .filter(({ etag }, index, all) => etag !== null || (all[index - 1]?.etag ?? null) !== null);
    if (counting.length > 0) histories.set(key, counting);
  }
  return histories;
};

/** Returns the newest state of each key whose current version is not a delete marker. */
export const currentOf = (histories: Histories, prefix = ''): Histories =>
  new Map(
    [...histories].flatMap(([key, states]) => {
      const newest = states.at(-1);
      return newest === undefined || newest.etag === null || !key.startsWith(prefix)
        ? []
        : [[key, [newest]] as const];
    }),
  );

export const truthOf = (source: Histories, replica: Histories): Truth => {
  const states = [...source.values()].flat();
  const keys = new Set([...source.keys(), ...replica.keys()]);
  return {
    keys: source.size,
    versions: states.length,
    bytes: states.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    differences: inOrder(
      [...keys].flatMap((key) => {
        const difference = differenceOf(source.get(key) ?? [], replica.get(key) ?? []);
        return difference === null ? [] : [[key, difference]];
      }),
    ),
  };
};

export const inOrder = (rows: [string, string][]): [string, string][] =>
  rows.toSorted(([one], [other]) => (one < other ? -1 : 1));

const differenceOf = (source: State[], replica: State[]): string | null => {
  if (source.length === 0) return 'extra';
  if (replica.length === 0) return 'missing';
  if (!isAlike(source.at(-1), replica.at(-1))) return 'different';
  // The destination may have other versions in between.
  let next = 0;
  for (const state of replica) if (isAlike(source[next], state)) next += 1;
  return next === source.length ? null : 'history-shorter';
};

const isAlike = (one: State | undefined, other: State | undefined): boolean =>
  one?.etag === other?.etag && one?.sizeBytes === other?.sizeBytes;

/**
 * Lists all states in S3's order, newest first within a key. The SDK returns versions and delete markers in separate lists, so the
 * XML of the response is parsed instead.
 */
async function* listed(
  s3: S3Client,
  bucket: string,
  prefix: string,
): AsyncGenerator<State & { key: string }> {
  let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | null = {};
  while (marker !== null) {
    let xml = '';
    const input = { Bucket: bucket, Prefix: prefix, EncodingType: 'url', ...marker } as const;
    const page: ListObjectVersionsCommandOutput = await s3.send(
      withBodyText(new ListObjectVersionsCommand(input), (text) => {
        xml = text;
      }),
    );
    for (const [, kind, text = ''] of xml.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)) {
      const field = (name: string): string =>
        new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1] ?? '';
      yield {
        key: decodeURIComponent(field('Key').replaceAll('+', ' ')),
        etag: kind === 'Version' ? field('ETag') : null,
        sizeBytes: Number(field('Size')),
      };
    }
    marker = page.IsTruncated
      ? {
          KeyMarker: decodeURIComponent((page.NextKeyMarker ?? '').replaceAll('+', ' ')),
          VersionIdMarker: page.NextVersionIdMarker,
        }
      : null;
  }
}
