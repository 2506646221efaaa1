/**
 * The name of the sessions in which replicas are written. The events of S3 contain the session name (`userIdentity.principalId`
 * is `AROA…:<session name>`). The caller who assumes a role chooses the name, so the name never proves that a replicator made the
 * change. But a principal without such a name is certainly no replicator.
 */

const MARK = 's3r@';

/** Maximum length of a session name. STS accepts 2 to 64 characters of `[\w+=,.@-]`. */
const MAX_CHARACTERS = 64;

/**
 * Returns the session name of a deployment. `stackName` is `<name>-<stage>`. The region comes first, so that it is never cut off. A
 * deployment of the same name in another region may have the same role, and without the region it would take our uploads for its
 * own.
 */
export const sessionName = (stackName: string, region: string): string =>
  `${MARK}${region}.${stackName}`.slice(0, MAX_CHARACTERS);

/** Returns whether the principal claims to be a replicator, or null if the principal is unknown. */
export const isReplicator = (principalId: string | null): boolean | null =>
  // EventBridge may give only the account, which does not show who made the change.
  principalId === null || /^\d{12}$/.test(principalId) ? null : principalId.includes(`:${MARK}`);
