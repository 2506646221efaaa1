/** Finds out whether a refusal concerns only one version of the source. */
import { ReplicationError } from '../model/errors.ts';
import type { SourceBucket } from '../model/ports.ts';
import { isPermission } from '../model/reasons.ts';

/**
 * Resolves to true if `error` is a refusal, and the source denies reads of this version but allows reads of the newest one. The
 * error alone is not enough: the destination may have refused the write, or the source may deny reads of every version. Therefore
 * this function tries to read both versions.
 */
export const isDeniedAlone = async (
  source: SourceBucket,
  { key, versionId, newest }: { key: string; versionId: string; newest: string | null },
  error: ReplicationError,
): Promise<boolean> => {
  if (!isPermission(error.reason) || newest === null || newest === versionId) return false;
  return (
    (await readability(source, key, versionId)) === 'denied' &&
    (await readability(source, key, newest)) === 'readable'
  );
};

const readability = async (
  source: SourceBucket,
  key: string,
  versionId: string,
): Promise<'readable' | 'denied' | 'gone'> => {
  try {
    const opened = await source.open(key, versionId);
    opened?.body.destroy();
    return opened === null ? 'gone' : 'readable';
  } catch (error) {
    if (error instanceof ReplicationError && isPermission(error.reason)) return 'denied';
    throw error;
  }
};
