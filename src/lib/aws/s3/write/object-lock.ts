/**
 * Reads the default retention of a bucket. Writes the retention and the legal hold of one version, which can change without a new
 * version.
 */
import {
  type DefaultRetention as ConfiguredRetention,
  GetObjectLockConfigurationCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { DefaultRetention, Retention } from '../../../model/ports.ts';
import { call, type Target } from '../client/call.ts';
import { named, type ObjectName } from '../object/object-tags.ts';
import { refuseLock } from './write-fields.ts';

/** Sets the retention of a version. Never bypasses governance mode, so S3 refuses to weaken an existing retention. */
export const writeRetention = async (
  target: Target,
  name: ObjectName,
  retention: Retention,
): Promise<void> => {
  const { mode: Mode, untilMs } = retention;
  const command = new PutObjectRetentionCommand({
    ...named(name),
    Retention: { Mode, RetainUntilDate: new Date(untilMs) },
  });
  await call(target, 'PutObjectRetention', (client, options) => client.send(command, options), {
    onError: refuseLock({ retention, legalHold: false }),
  });
};

export const writeLegalHold = async (target: Target, name: ObjectName): Promise<void> => {
  const command = new PutObjectLegalHoldCommand({ ...named(name), LegalHold: { Status: 'ON' } });
  await call(target, 'PutObjectLegalHold', (client, options) => client.send(command, options), {
    onError: refuseLock({ retention: null, legalHold: true }),
  });
};

/**
 * Resolves to the default retention of the bucket, or to null if it has none. S3 is asked once in each execution environment. If
 * the role may not ask, or the server does not know the request, resolves to null. A retention then shows only when S3 refuses a
 * write.
 */
export const defaultRetention = async (
  target: Target,
  bucket: string,
): Promise<DefaultRetention | 'unknown' | null> => {
  const ask = async (): Promise<DefaultRetention | 'unknown' | null> => {
    const command = new GetObjectLockConfigurationCommand({ Bucket: bucket });
    try {
      const { ObjectLockConfiguration: configuration } = await call(
        target,
        'GetObjectLockConfiguration',
        (client, options) => client.send(command, options),
      );
      return retentionIn(configuration?.Rule?.DefaultRetention);
    } catch (error) {
      if (!(error instanceof ReplicationError) || error.disposition !== 'quarantine') throw error;
      if (error.reason === 'access-denied')
        target.clients.lacks(bucket, 's3:GetBucketObjectLockConfiguration');
      return null;
    }
  };
  // A temporary failure is not remembered.
  return await target.clients.defaultRetention.get(bucket, ask).catch(() => null);
};

const retentionIn = (given: ConfiguredRetention | undefined): DefaultRetention | 'unknown' | null => {
  if (given === undefined) return null;
  const { Mode: mode, Days: days, Years: years } = given;
  if (mode === undefined || (days === undefined && years === undefined)) return 'unknown';
  // A year may have 366 days. A retention that is one day too long does no harm.
  return { mode, days: days ?? (years ?? 0) * 366 };
};
