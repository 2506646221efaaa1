/** Buckets whose keys can be read one by one. Their content is that of a listing. */
import type { ListedVersion } from '../../src/lib/listing/page.ts';
import { NO_ATTRIBUTES, NO_LOCK } from '../../src/lib/model/no-attributes.ts';
import type {
  Buckets,
  Current,
  DestinationBucket,
  HistoryEntry,
  ObjectState,
  SourceBucket,
} from '../../src/lib/model/ports.ts';

/** Creates buckets that implement only the calls that read. Every other call throws. */
export const sideBuckets = (source: () => ListedVersion[], replica: () => ListedVersion[]): Buckets => ({
  source: () =>
    ({
      ...lookingAt(source),
      history: async (key: string) => historyOf(source(), key),
    }) as unknown as SourceBucket,
  destination: () =>
    ({
      ...lookingAt(replica),
      async *history(key: string) {
        yield* historyOf(replica(), key);
      },
    }) as unknown as DestinationBucket,
});

const lookingAt = (entries: () => ListedVersion[]) => ({
  async look(key: string): Promise<Current> {
    const newest = entries().find((entry) => entry.key === key);
    if (newest === undefined) return { kind: 'absent' };
    if (newest.kind === 'delete-marker') return { kind: 'marker', versionId: newest.versionId ?? '' };
    return { kind: 'object', state: stateOf(newest) };
  },
  async head(key: string, versionId: string): Promise<ObjectState | null> {
    const found = entries().find((entry) => entry.key === key && entry.versionId === versionId);
    return found === undefined ? null : stateOf(found);
  },
  tags: async () => ({}),
});

const historyOf = (entries: ListedVersion[], key: string): HistoryEntry[] =>
  entries
    .filter((entry) => entry.key === key)
    .map(({ kind, versionId, etag, sizeBytes, lastModifiedMs }) =>
      kind === 'object'
        ? { kind: 'version', versionId: versionId ?? 'null', etag, sizeBytes, lastModifiedMs }
        : { kind: 'marker', versionId: versionId ?? 'null', lastModifiedMs },
    );

const stateOf = ({ versionId, etag, sizeBytes, lastModifiedMs }: ListedVersion): ObjectState => ({
  versionId,
  etag,
  sizeBytes,
  lastModifiedMs,
  encryption: 'AES256',
  checksum: null,
  attributes: NO_ATTRIBUTES,
  tagCount: 0,
  lock: NO_LOCK,
});
