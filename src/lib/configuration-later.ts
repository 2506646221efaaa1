/**
 * Options that belong to `replication.yml` but are not built yet. They are refused with these words rather than
 * ignored, so that nobody believes in a replica that is not made.
 */

/** What to say about a written value that a later version will accept; null: the value is simply wrong. */
export const laterValue = (key: string, value: unknown): string | null =>
  typeof value === 'string' ? (LATER_VALUES[key]?.[value] ?? null) : null;

/** What to say about an option that a later version will know; null: the option is unknown for good. */
export const laterOption = (key: string): string | null => LATER_OPTIONS[key] ?? null;

const LATER_VALUES: Record<string, Record<string, string>> = {
  versions: {
    all: 'not yet: replicating every version comes later; write `latest` (each key is kept at its current version) or remove the line',
  },
  deletes: {
    replicate:
      'not yet: replicating delete markers comes later; write `ignore` (replicas stay when the source object is deleted) or remove the line',
  },
  copy: {
    'server-side':
      'not yet: copying inside S3 comes later; write `stream` (the bytes pass through the function) or remove the line',
    auto: 'not yet: copying inside S3 comes later; write `stream` (the bytes pass through the function) or remove the line',
  },
};

const LATER_OPTIONS: Record<string, string> = {
  restore: 'not yet: restoring archived source objects comes later; remove the line',
  filter: 'not yet: only `source.prefix` and `source.suffix` choose objects so far; remove the line',
  filters: 'not yet: only `source.prefix` and `source.suffix` choose objects so far; remove the line',
  tags: 'not yet: choosing objects by tag comes later; remove the line',
  minimumSizeBytes: 'not yet: choosing objects by size comes later; remove the line',
  maximumSizeBytes: 'not yet: choosing objects by size comes later; remove the line',
  objectLock: 'not yet: replicating object lock comes later; remove the line',
  backfill: 'not yet: copying what was there before comes later; remove the line',
  verify: 'not yet: comparing both sides comes later; remove the line',
  schedule: 'not yet: scheduled runs come later; remove the line',
};
