/**
 * Options that belong to `replication.yml` but are not built yet. They are refused with these words rather than
 * ignored, so that nobody believes in a replica that is not made.
 */

/** What to say about an option that a later version will know; null: the option is unknown for good. */
export const laterOption = (key: string): string | null => LATER_OPTIONS[key] ?? null;

const LATER_OPTIONS: Record<string, string> = {
  schedule: 'not yet: scheduled runs come later; remove the line',
};
