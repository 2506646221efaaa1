/**
 * The name of the sessions in which replicas are written. S3 tells it in its events (`userIdentity.principalId` is
 * `AROA…:<session name>`), so that a replicator knows what a replicator wrote, another deployment included.
 */

const MARK = 's3r@';

/** STS: 2–64 characters of `[\w+=,.@-]`. */
const MAX_CHARACTERS = 64;

/** `stackName` is `<name>-<stage>`. */
export const sessionName = (stackName: string): string => `${MARK}${stackName}`.slice(0, MAX_CHARACTERS);

/** Was the change made by a replicator's session? Null: nobody says. */
export const isReplicator = (principalId: string | null): boolean | null =>
  // EventBridge only tells the account.
  principalId === null || /^\d{12}$/.test(principalId) ? null : principalId.includes(`:${MARK}`);
