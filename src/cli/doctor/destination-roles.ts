/** Compares the two roles at a destination with the template of their stack and with the rule. */
import type { ResourceNames } from '../../lib/configuration/resource-names.ts';
import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import { accountOf, type Context } from './context.ts';
import type { Seen } from './destination-seen.ts';
import { awsFix } from './drift.ts';
import { type Finding, whyNotChecked } from './finding.ts';
import type { Fix } from './fix.ts';
import { listOf, statementsOf } from './policy-document.ts';
import { roleFindings as driftOf } from './stack-drift.ts';
import type { TemplateResource } from './template-values.ts';

export interface SeenRole {
  name: string;
  /** The role in the template; null if no stack of the template contains the role. */
  resource: TemplateResource | null;
  /** The role of the source account that this role must trust. */
  trusted: Extract<keyof ResourceNames, `${string}Role`>;
  /** A context with the credentials of the destination account. */
  context: Context;
}

export const roleFindings = async (one: Seen, role: SeenRole): Promise<Finding[]> => {
  const { name, resource, context } = role;
  const [trust, drift] = await Promise.all([
    context.settings.resources.roleTrust(name),
    resource === null ? [] : driftOf(context, resource),
  ]);
  const ofPolicies = drift.flatMap((finding) => policyFinding(one, finding));
  const why = whyNotChecked(`role ${name}`, trust);
  if (why !== null) return [one.notChecked(why)];
  if (trust.kind !== 'answer')
    return [
      one.found(
        'role-missing',
        `role ${name} does not exist`,
        resource === null ? one.template : creation(role, resource),
      ),
      ...ofPolicies,
    ];
  const changed = drift.find(({ cause }) => cause === 'role-trust');
  return [...trustFindings(one, role, { text: trust.value, changed: changed ?? null }), ...ofPolicies];
};

const policyFinding = (one: Seen, { cause, verdict, text, fix }: Finding): Finding[] => {
  if (verdict === 'not-checked') return [one.notChecked(text)];
  if (fix === null || cause === 'role-trust' || cause === 'resource-gone') return [];
  return [one.found(cause === 'role-policy-wider' ? 'policy-wider' : 'policy-changed', text, fix)];
};

/** Returns the call that creates a deleted role. CloudFormation does not create it again while the template stays the same. */
const creation = ({ context, name }: SeenRole, { properties }: TemplateResource): Fix =>
  awsFix(context, 'iam', 'create-role', {
    RoleName: name,
    ...(properties['Path'] === undefined ? {} : { Path: properties['Path'] }),
    ...(properties['PermissionsBoundary'] === undefined
      ? {}
      : { PermissionsBoundary: properties['PermissionsBoundary'] }),
    AssumeRolePolicyDocument: JSON.stringify(properties['AssumeRolePolicyDocument']),
  });

const trustFindings = (
  one: Seen,
  { name, trusted }: SeenRole,
  { text, changed }: { text: string; changed: Finding | null },
): Finding[] => {
  const { context, destination } = one;
  const partition = partitionOfRegion(context.region);
  const arn = `arn:${partition}:iam::${accountOf(context)}:role${context.whole.stack.rolePath}${context.names[trusted]}`;
  const reading = readTrust(text, arn, destination.externalId ?? '');
  const fix = changed?.fix ?? one.template;
  if (reading.kind === 'distrusts')
    return [
      one.found('role-distrusts', `role ${name} exists, but does not trust ${context.names[trusted]}`, fix),
    ];
  if (reading.kind === 'other-id') {
    const said = `role ${name} exists and trusts us, but expects the external id "${reading.expected}", not "${destination.externalId}"`;
    return [one.found('role-other-id', said, fix)];
  }
  return changed === null ? [] : [one.found('trust-changed', changed.text, fix)];
};

type Reading = { kind: 'fits' | 'distrusts' } | { kind: 'other-id'; expected: string };

/**
 * Reads from the trust policy whether a role may assume this role. Understands only the forms in which our template and most people write
 * such a policy. The result only names the cause of a refusal. An actual call to STS shows whether the role is refused.
 */
const readTrust = (text: string, arn: string, externalId: string): Reading => {
  const trusting = statementsOf(text).filter(
    (statement) =>
      statement['Effect'] === 'Allow' &&
      listOf(statement['Action']).some((action) => /^(sts:AssumeRole|sts:\*|\*)$/.test(action)) &&
      isNamed(statement, arn),
  );
  if (trusting.length === 0) return { kind: 'distrusts' };
  const ids = trusting.map((statement) => valuesOf(statement, 'sts:externalid'));
  if (ids.some((expected) => expected.length === 0 || expected.some((one) => fits(one, externalId))))
    return { kind: 'fits' };
  return { kind: 'other-id', expected: ids.flat().join('" or "') };
};

const isNamed = (statement: Record<string, unknown>, arn: string): boolean => {
  const account = arn.split(':')[4] ?? '';
  const { Principal: principal } = statement;
  const named = typeof principal === 'string' ? [principal] : listOf(Object(principal)['AWS']);
  const callers = valuesOf(statement, 'aws:principalarn');
  return (
    named.some(
      (each) => each === '*' || each === arn || each === account || each.endsWith(`:${account}:root`),
    ) &&
    (callers.length === 0 || callers.some((each) => fits(each, arn)))
  );
};

/** Returns the values of a condition key under all operators. */
const valuesOf = ({ Condition: condition }: Record<string, unknown>, key: string): string[] =>
  Object.values(Object(condition)).flatMap((keys) =>
    Object.entries(Object(keys)).flatMap(([name, values]) =>
      name.toLowerCase() === key ? listOf(values) : [],
    ),
  );

const fits = (pattern: string, text: string): boolean =>
  pattern === text || (pattern.includes('*') && text.startsWith(pattern.slice(0, pattern.indexOf('*'))));
