/**
 * The quotas of roles and policies. IAM does not count white space.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
import type { PolicyDocument } from '../core/access.ts';

/** The error for a policy or a role that exceeds a quota. */
export class QuotaExceeded extends Error {
  override readonly name = 'QuotaExceeded';
}

/** Maximum size of all inline policies of a role together, in characters. */
const INLINE_CHARACTERS = 10_240;

const MANAGED_CHARACTERS = 6144;

/** Maximum number of managed policies of a role. In AWS, an account can request a higher quota. */
const ATTACHED_POLICIES = 10;

const charactersOf = (document: PolicyDocument): number => JSON.stringify(document).length;

/** Throws QuotaExceeded for a document that is too long for a managed policy. */
export const checkManagedPolicy = (document: PolicyDocument): void => {
  if (charactersOf(document) > MANAGED_CHARACTERS)
    throw new QuotaExceeded(`Cannot exceed quota for PolicySize: ${MANAGED_CHARACTERS}`);
};

/** Throws QuotaExceeded unless the role may have these policies. A policy without a name is not counted. */
export const checkRole = (
  roleName: string,
  policies: readonly { name: string | null; document: PolicyDocument }[],
): void => {
  const inline = policies.filter(({ name }) => name !== null && !isManaged(name));
  if (inline.reduce((sum, { document }) => sum + charactersOf(document), 0) > INLINE_CHARACTERS)
    throw new QuotaExceeded(
      `Maximum policy size of ${INLINE_CHARACTERS} bytes exceeded for role ${roleName}`,
    );
  if (policies.filter(({ name }) => name !== null && isManaged(name)).length > ATTACHED_POLICIES)
    throw new QuotaExceeded(`Cannot exceed quota for PoliciesPerRole: ${ATTACHED_POLICIES}`);
};

/** True if the name of a policy is an ARN. Names of inline policies contain no colon. */
export const isManaged = (name: string): boolean => name.includes(':');
