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
  copy: {
    'server-side':
      'not yet: copying inside S3 comes later; write `stream` (the bytes pass through the function) or remove the line',
    auto: 'not yet: copying inside S3 comes later; write `stream` (the bytes pass through the function) or remove the line',
  },
};

const LATER_OPTIONS: Record<string, string> = {
  schedule: 'not yet: scheduled runs come later; remove the line',
};
