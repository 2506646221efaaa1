/** HEAD of a key or of one version. Its answers have no body: what S3 means must be read from status and headers. */
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
  /** Throws what a 400 without a body means here: SSE-C, expired credentials and a wrong region look alike. */
  explain: (error: ReplicationError, object: { Key: string; VersionId?: string }) => Promise<never>;
  /** Throws where an answer says what cannot be dealt with here. */
  refuse?: (answer: HeadObjectCommandOutput) => void;
}

/**
 * The current version. `absent` does not say that the bucket exists. A delete marker is told by the headers of the 404
 * ("Working with delete markers", S3 User Guide); to a server that sends none, such a key is absent.
 */
export const headCurrent = async (heads: Heads, key: string): Promise<Current> => {
  const answers: RawAnswer[] = [];
  try {
    return { kind: 'object', state: await head(heads, { Key: key }, answers) };
  } catch (error) {
    if (!(error instanceof ReplicationError) || !isNotFound(error.cause)) throw error;
    const headers = answers.at(-1)?.headers;
    // The SDK would have gone past our hook: no reason to believe that there is no marker.
    if (headers === undefined) throw new ReplicationError('service-error', 'HeadObject: no headers seen');
    if (headers['x-amz-delete-marker'] !== 'true') return { kind: 'absent' };
    return { kind: 'marker', versionId: headers['x-amz-version-id'] ?? 'null' };
  }
};

/** One version; null where it is gone or a delete marker. */
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
