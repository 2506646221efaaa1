/**
 * The name of the sessions in which replicas are written. The events of S3 contain it (`userIdentity.principalId` is
 * `AROA…:<session name>`), so that a replicator recognizes the writes of every replicator, even of another deployment.
 */

const MARK = 's3r@';

/** Maximum length of a session name. STS accepts 2 to 64 characters of `[\w+=,.@-]`. */
const MAX_CHARACTERS = 64;

/** `stackName` is `<name>-<stage>`. */
export const sessionName = (stackName: string): string => `${MARK}${stackName}`.slice(0, MAX_CHARACTERS);

/** Tells whether the session of a replicator made the change; null: unknown. */
export const isReplicator = (principalId: string | null): boolean | null =>
  // EventBridge gives only the account.
  principalId === null || /^\d{12}$/.test(principalId) ? null : principalId.includes(`:${MARK}`);
