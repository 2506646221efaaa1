/** Counts the S3 calls of the replicator for each object. */
import type { LocalAws } from '@s3-replicator/local-aws';
import type { ObjectName } from './replica-places.ts';

export interface S3Calls {
  /** Calls for this object by callers with an assumed role. The demo's own calls, by the root user, do not count. */
  about(name: ObjectName): number;
  total(): number;
}

/** Counts every request after this call. */
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
