/** Retention and legal hold of one version, which can change without the version doing so. */
import { PutObjectLegalHoldCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { Retention } from '../../model/ports.ts';
import { call, type Target } from './call.ts';
import { named, type ObjectName } from './object-tags.ts';
import { refuseLock } from './write-fields.ts';

/** Never by bypassing governance: S3 refuses to weaken what there is. */
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
