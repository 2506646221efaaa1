/** Asks S3 to restore an archived version. */
import { HeadObjectCommand, RestoreObjectCommand } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { Restore } from '../../../model/rule.ts';
import { call, type Target } from '../client/call.ts';
import { errorCode } from '../../errors.ts';
import { named, type ObjectName } from './object-tags.ts';

/**
 * Requests the restore of a version. Also succeeds when the restore has already begun. Throws `lost-race` when the version is not
 * archived.
 */
export const requestRestore = async (target: Target, name: ObjectName, request: Restore): Promise<void> => {
  try {
    await sendRestore(target, name, request, request.days);
  } catch (error) {
    // S3 restores objects of Intelligent-Tiering permanently, and refuses a request that names a number of days ("RestoreObject", S3 API
    // reference). Other invalid requests have the same error code, so the storage class is read to confirm the cause.
    if (!(error instanceof ReplicationError) || error.reason !== 'invalid-request') throw error;
    if ((await storageClassOf(target, name)) !== 'INTELLIGENT_TIERING') throw error;
    await sendRestore(target, name, request, null);
  }
};

const sendRestore = async (
  target: Target,
  name: ObjectName,
  { tier }: Restore,
  days: number | null,
): Promise<void> => {
  const command = new RestoreObjectCommand({
    ...named(name),
    RestoreRequest: { ...(days === null ? {} : { Days: days }), GlacierJobParameters: { Tier: tier } },
  });
  try {
    await call(target, 'RestoreObject', (client, options) => client.send(command, options));
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    const code = errorCode(error.cause);
    if (code === 'RestoreAlreadyInProgress') return;
    if (!NOT_ARCHIVED.has(code)) throw error;
    throw new ReplicationError('lost-race', error.message, {
      cause: error.cause,
      requestId: error.requestId,
    });
  }
};

const NOT_ARCHIVED: ReadonlySet<string> = new Set(['InvalidObjectState', 'ObjectAlreadyInActiveTierError']);

const storageClassOf = async (target: Target, name: ObjectName): Promise<string | undefined> => {
  const command = new HeadObjectCommand(named(name));
  const answer = await call(target, 'HeadObject', (client, options) => client.send(command, options));
  return answer.StorageClass;
};
