/** HEAD of a key or of one version. The response to HEAD has no body, so errors can be distinguished only by status and headers. */
import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { Current, ObjectState } from '../../model/ports.ts';
import { call, type Target } from './call.ts';
import { type RawAnswer, withAnswer } from './command-hooks.ts';
import { isBodiless400, isNotFound, isVersionGone } from '../errors.ts';
import { objectState } from './object-state.ts';

export interface Heads {
  target: Target;
  bucket: string;
  /**
   * Finds the cause of a 400 without a body and throws it as an error. For SSE-C, expired credentials and a wrong region, the response to
   * HEAD is the same.
   */
  explain: (error: ReplicationError, object: { Key: string; VersionId?: string }) => Promise<never>;
  /** Throws for an object that cannot be replicated. */
  refuse?: (answer: HeadObjectCommandOutput) => void;
}

/**
 * Reads the current version of a key. The result `absent` does not prove that the bucket exists. If the current version is a delete marker,
 * the headers of the 404 identify it ("Working with delete markers", S3 User Guide). On a server that does not send these headers, such a
 * key counts as absent.
 */
export const headCurrent = async (heads: Heads, key: string): Promise<Current> => {
  const answers: RawAnswer[] = [];
  try {
    return { kind: 'object', state: await head(heads, { Key: key }, answers) };
  } catch (error) {
    if (!(error instanceof ReplicationError) || !isNotFound(error.cause)) throw error;
    const headers = answers.at(-1)?.headers;
    // The SDK did not call our hook, so there may be a delete marker that we have not seen.
    if (headers === undefined) throw new ReplicationError('service-error', 'HeadObject: no headers seen');
    if (headers['x-amz-delete-marker'] !== 'true') return { kind: 'absent' };
    return { kind: 'marker', versionId: headers['x-amz-version-id'] ?? 'null' };
  }
};

/** Reads one version. Resolves to null when the version is gone or is a delete marker. */
export const headVersion = async (
  heads: Heads,
  key: string,
  versionId: string,
): Promise<ObjectState | null> => {
  try {
    return await head(heads, { Key: key, VersionId: versionId }, []);
  } catch (error) {
    if (error instanceof ReplicationError && isVersionGone(error.cause)) return null;
    throw error;
  }
};

const head = async (
  { target, bucket, explain, refuse }: Heads,
  object: { Key: string; VersionId?: string },
  answers: RawAnswer[],
): Promise<ObjectState> => {
  const command = new HeadObjectCommand({ Bucket: bucket, ...object, ChecksumMode: 'ENABLED' });
  withAnswer(command, (answer) => answers.push(answer));
  let answer: HeadObjectCommandOutput;
  try {
    answer = await call(target, 'HeadObject', (client, options) => client.send(command, options));
  } catch (error) {
    if (!(error instanceof ReplicationError) || !isBodiless400(error.cause)) throw error;
    return await explain(error, object);
  }
  refuse?.(answer);
  return objectState(answer);
};
