/** The hints that transfers send: look at the key, because all parts are there, or because the transfer is gone. */
import type { PartRangeMessage, Transfer } from '../copy/transfer/transfer.ts';
import { formatHint, type Hint, REPAIR } from '../hint/hint.ts';

/**
 * - `finished`: one hint for each attempt, so that the hints of several finishers are duplicates, and the hint of a later attempt is none.
 * - `gone`: nothing is left of the transfer; converge finds out whether it is still needed.
 */
export const transferHint = (transfer: Transfer, why: 'finished' | 'gone'): string => {
  const identity = attemptIdentity(transfer);
  return formatHint(hintOf(transfer, why === 'finished' ? identity : `${identity}/gone`));
};

/** The hint for a part range whose transfer is not in the table. */
export const lostHint = (message: PartRangeMessage): string =>
  formatHint({ ...BLANK, ...target(message), identity: `${attemptIdentity(message)}/gone` });

/** The hint that began the transfer, as far as its record tells; the dead-letter queue gets it, too. */
export const hintOf = (transfer: Transfer, identity: string | null = null): Hint => ({
  ...BLANK,
  ...target(transfer),
  versionId: transfer.version.versionId,
  sizeBytes: transfer.version.sizeBytes,
  kind: transfer.concern === 'attributes' ? REPAIR : BLANK.kind,
  // Keeps the knowledge that no replicator wrote the version.
  principalId: transfer.byReplicator === false ? 'somebody' : null,
  identity,
});

/** True: this transfer sent the hint. */
export const isHintOf = (
  { identity }: Pick<Hint, 'identity'>,
  { uploadId }: Pick<Transfer, 'uploadId'>,
): boolean => identity?.startsWith(`${PREFIX}${uploadId}/`) ?? false;

/** The name of the transfer that sent the hint; null: no transfer did. */
export const transferIn = ({ identity }: Pick<Hint, 'identity'>): string | null =>
  /^(transfer\/.+?)\/\d+(\/gone)?$/.exec(identity ?? '')?.[1] ?? null;

const PREFIX = 'transfer/';

/** The identity of the hints of one attempt, and the beginning of its idempotency keys. */
export const attemptIdentity = ({ uploadId, attempt }: Pick<Transfer, 'uploadId' | 'attempt'>): string =>
  `${PREFIX}${uploadId}/${attempt}`;

const target = ({
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
