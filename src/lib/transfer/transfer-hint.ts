/**
 * The hints that transfers send. Such a hint requests a look at the key, because all parts are uploaded or because the transfer
 * is gone.
 */
import type { PartRangeMessage, Transfer } from '../copy/transfer/transfer.ts';
import { type Hint, REPAIR, REWRITE, TRANSFERRED } from '../hint/hint.ts';
import { assign, type Assignment } from '../hint/route.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';

/**
 * Returns the hint that a transfer sends.
 * - `finished`: all parts are uploaded. Several hints of the same attempt are duplicates, but the hint of a later attempt is not.
 * - `gone`: the transfer no longer exists. Converge finds out whether a new one is needed.
 */
export const transferHint = (transfer: Transfer, why: 'finished' | 'gone'): Hint => {
  const identity = attemptIdentity(transfer);
  const hint = hintOf(transfer, why === 'finished' ? identity : `${identity}/gone`);
  return { ...hint, chain: transfer.chain };
};

/** Returns the hint for a part range whose transfer is not in the table. */
export const lostHint = (message: PartRangeMessage): Hint => ({
  ...BLANK,
  ...target(message),
  identity: `${attemptIdentity(message)}/gone`,
  chain: message.chain,
});

/**
 * Returns the hint that began the transfer, rebuilt from the fields of the transfer's record. This hint is also the body of the
 * transfer's dead letter.
 */
export const hintOf = (transfer: Transfer, identity: string | null = null): Hint => ({
  ...BLANK,
  ...target(transfer),
  versionId: transfer.version.versionId,
  sizeBytes: transfer.version.sizeBytes,
  kind: KINDS[transfer.concern] ?? TRANSFERRED,
  // Any name without the mark of a replicator shows that no replicator wrote the version.
  principalId: transfer.byReplicator === false ? 'somebody' : null,
  identity,
});

/** The kinds of hints after which a replica may be written again although its stamp is right. */
const KINDS: Partial<Record<Transfer['concern'], string>> = { attributes: REPAIR, bytes: REWRITE };

/** Returns true if this transfer sent the hint. */
export const isHintOf = (
  { identity }: Pick<Hint, 'identity'>,
  { uploadId }: Pick<Transfer, 'uploadId'>,
): boolean => identity?.startsWith(`${PREFIX}${uploadId}/`) ?? false;

/** Returns the name of the transfer that sent the hint, or null if no transfer sent it. */
export const transferIn = ({ identity }: Pick<Hint, 'identity'>): string | null =>
  /^(transfer\/.+?)\/\d+(\/gone)?$/.exec(identity ?? '')?.[1] ?? null;

/**
 * Returns the assignments of a hint. If a transfer sent the hint and its rule or destination has another name now, all rules that
 * want the key are asked, because without this hint nobody would complete the transfer. Throws `unknown-rule` if there are none.
 */
export const assignHint = (configuration: ReplicationConfiguration, hint: Hint): Assignment[] => {
  const { rules } = configuration;
  const isKnown = rules.some(
    ({ id, destinations }) => id === hint.rule && destinations.some((each) => each.id === hint.destination),
  );
  // The hint of a transfer that a verify began has the kind of that verify.
  const isOfTransfer = hint.kind === TRANSFERRED || transferIn(hint) !== null;
  if (!isOfTransfer || hint.rule === null || isKnown) return assign(configuration, hint);
  const renamed = assign(configuration, { ...hint, rule: null, destination: null });
  return renamed.length > 0 ? renamed : assign(configuration, hint);
};

const PREFIX = 'transfer/';

/** Returns the identity of the hints of one attempt. The idempotency keys of the attempt begin with the same text. */
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

const BLANK = { versionId: null, sizeBytes: null, kind: TRANSFERRED, principalId: null } as const;
