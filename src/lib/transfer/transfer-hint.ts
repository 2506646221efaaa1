/** The hints that transfers send: the key is to be looked at, because all parts are there, or the transfer is at its end. */
import { formatHint, type Hint, REPAIR } from '../hint/hint.ts';
import type { RangeMessage, Transfer } from '../copy/transfer/transfer.ts';

/**
 * `finished`: one for each attempt, so that those of several finishers are one, and a later one is not taken for it.
 * `gone`: there is nothing left of the transfer, and whether it is still needed the look will tell.
 */
export const transferHint = (transfer: Transfer, why: 'finished' | 'gone'): string => {
  const identity = identityOf(transfer);
  return formatHint(hintOf(transfer, why === 'finished' ? identity : `${identity}/gone`));
};

/** Of a range whose transfer is not in the table. */
export const lostHint = (message: RangeMessage): string =>
  formatHint({ ...BLANK, ...placeOf(message), identity: `${identityOf(message)}/gone` });

/** For the dead-letter queue: sent again it is a hint like any other. */
export const hintOf = (transfer: Transfer, identity: string | null = null): Hint => ({
  ...BLANK,
  ...placeOf(transfer),
  versionId: transfer.version.versionId,
  sizeBytes: transfer.version.sizeBytes,
  kind: transfer.concern === 'attributes' ? REPAIR : BLANK.kind,
  // What was known of the writer of the version.
  principalId: transfer.byReplicator === false ? 'somebody' : null,
  identity,
});

/** Was the hint sent by this transfer? */
export const isHintOf = (
  { identity }: Pick<Hint, 'identity'>,
  { uploadId }: Pick<Transfer, 'uploadId'>,
): boolean => identity?.startsWith(`${PREFIX}${uploadId}/`) ?? false;

/** The name of the transfer that sent the hint; null: none did. */
export const transferIn = ({ identity }: Pick<Hint, 'identity'>): string | null =>
  /^(transfer\/.+?)\/\d+(\/gone)?$/.exec(identity ?? '')?.[1] ?? null;

const PREFIX = 'transfer/';

/** Also the beginning of the names of its records of idempotency. */
export const identityOf = ({ uploadId, attempt }: Pick<Transfer, 'uploadId' | 'attempt'>): string =>
  `${PREFIX}${uploadId}/${attempt}`;

const placeOf = ({
  bucket,
  key,
  rule,
  destination,
  run,
}: Pick<Transfer, 'bucket' | 'key' | 'rule' | 'destination' | 'run'>) => ({
  bucket,
  key,
  rule,
  destination,
  run,
});

const BLANK = { versionId: null, sizeBytes: null, kind: 'hint', principalId: null } as const;
