/** HEAD of a key or of one version. The response to HEAD has no body, so errors can be distinguished only by status and headers. */
import { HeadObjectCommand, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { Current, ObjectState } from '../../../model/ports.ts';
import { call, type Target } from '../client/call.ts';
import { type RawAnswer, withAnswer } from '../client/command-hooks.ts';
import { isNotFound, isVersionGone } from '../../errors.ts';
import { headOrReason } from './get-object.ts';
import { objectState } from './object-state.ts';

export interface Heads {
  target: Target;
  bucket: string;
  /** Called with the error that a GET finds after a 400 without a body. May throw another error. */
  onReasonFound?: (error: unknown) => void;
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
  { target, bucket, onReasonFound, refuse }: Heads,
  object: { Key: string; VersionId?: string },
  answers: RawAnswer[],
): Promise<ObjectState> => {
  const named = { Bucket: bucket, ...object };
  const answer = await headOrReason(
    target,
    () => {
      const command = new HeadObjectCommand({ ...named, ChecksumMode: 'ENABLED' });
      withAnswer(command, (raw) => answers.push(raw));
      return call(target, 'HeadObject', (client, options) => client.send(command, options));
    },
    named,
    onReasonFound,
  );
  refuse?.(answer);
  return objectState(answer);
};
