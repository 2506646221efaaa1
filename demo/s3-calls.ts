/** Counts the S3 calls that the replicator makes for each object. */
import type { LocalAws } from '@s3-replicator/local-aws';
import type { ObjectName } from './replica-places.ts';

export interface S3Calls {
  /**
   * Returns the number of calls for this object that the replicator made. The demo's own calls are not counted. The demo's calls are
   * recognizable because the demo calls as the root user, and the replicator calls with assumed roles.
   */
  about(name: ObjectName): number;
  total(): number;
}

/** Starts counting. Only requests after this call are counted. */
export const countS3Calls = (aws: Pick<LocalAws, 'faults'>): S3Calls => {
  const counts = new Map<string, number>();
  const before = aws.faults.plan;
  aws.faults.plan = (request) => {
    if (request.service === 's3' && request.caller.kind === 'session') {
      counts.set(request.path, (counts.get(request.path) ?? 0) + 1);
    }
    return before?.(request);
  };
  return {
    about: ({ bucket, key }) =>
      [...counts].reduce(
        (sum, [path, count]) => sum + (decoded(path) === `/${bucket}/${key}` ? count : 0),
        0,
      ),
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
  };
};

const decoded = (path: string): string | null => {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
};
