/** Asks S3 to bring an archived version back. */
import { HeadObjectCommand, RestoreObjectCommand } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { Restore } from '../../model/rule.ts';
import { call, type Target } from './call.ts';
import { errorCode } from '../errors.ts';
import { named, type ObjectName } from './object-tags.ts';

/** Succeeds too where the restore is under way. `lost-race`: the version is not archived, or not any more. */
export const requestRestore = async (target: Target, name: ObjectName, request: Restore): Promise<void> => {
  try {
    await restore(target, name, request, request.days);
  } catch (error) {
    // Objects of Intelligent-Tiering come back for good, and S3 refuses to be told for how long ("RestoreObject", S3 API
    // reference). The code of that refusal is also that of other mistakes; the storage class tells.
    if (!(error instanceof ReplicationError) || error.reason !== 'invalid-request') throw error;
    if ((await storageClassOf(target, name)) !== 'INTELLIGENT_TIERING') throw error;
    await restore(target, name, request, null);
  }
};

const restore = async (
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
