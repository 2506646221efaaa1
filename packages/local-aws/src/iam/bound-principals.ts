import type { PolicyDocument, PolicyStatement } from '../core/access.ts';
import { InvalidPrincipal } from './policy-errors.ts';

/**
 * Returns a policy as AWS stores it, with the unique ids of roles instead of their ARNs. If a role is deleted and created again, the policy
 * therefore does not apply to the new role. Throws {@link InvalidPrincipal} for a role that does not exist, and for every user, because the
 * local IAM has no users.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
 */
export const bindPrincipals = (
  document: PolicyDocument,
  roleIdOf: (arnOrId: string) => string | undefined,
): PolicyDocument =>
  mapPrincipals(document, (principal) => {
    if (!/^arn:aws[\w-]*:iam::\d{12}:(role|user)\/|^A(ROA|IDA)[A-Z0-9]+$/.test(principal)) return principal;
    const roleId = roleIdOf(principal);
    if (roleId === undefined) throw new InvalidPrincipal(principal);
    return roleId;
  });

/** Returns a stored policy as AWS shows it, with the ARN of each role that still exists and the id of each deleted role. */
export const showPrincipals = (
  document: PolicyDocument,
  roleArnOf: (roleId: string) => string | undefined,
): PolicyDocument => mapPrincipals(document, (principal) => roleArnOf(principal) ?? principal);

/** Returns a policy with changed principals. Returns the same object if none changes. */
const mapPrincipals = (document: PolicyDocument, change: (principal: string) => string): PolicyDocument => {
  const statements = [document.Statement].flat();
  const changed = statements.map((statement) => withPrincipals(statement, change));
  if (changed.every((statement, index) => statement === statements[index])) return document;
  return { ...document, Statement: changed };
};

const withPrincipals = (
  statement: PolicyStatement,
  change: (principal: string) => string,
): PolicyStatement => {
  const { Principal: principal } = statement;
  if (typeof principal !== 'object' || principal === null || principal['AWS'] === undefined) return statement;
  const names: unknown[] = [principal['AWS']].flat();
  const changed = names.map((name) => (typeof name === 'string' ? change(name) : String(name)));
  if (changed.every((name, index) => name === names[index])) return statement;
  const [only] = changed;
  return {
    ...statement,
    Principal: { ...principal, AWS: typeof principal['AWS'] === 'string' ? (only ?? '') : changed },
  };
};
