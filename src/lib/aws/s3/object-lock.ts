/** Writes the retention and the legal hold of one version. Both can change without a new version. */
import { PutObjectLegalHoldCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { Retention } from '../../model/ports.ts';
import { call, type Target } from './call.ts';
import { named, type ObjectName } from './object-tags.ts';
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
