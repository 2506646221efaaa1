/** Checks the managed policies of the stack. They contain the permissions whose number grows with the number of buckets. */
import type { Context } from './context.ts';
import { awsFix, compared } from './drift.ts';
import { type Finding, findingsOf } from './finding.ts';
import { comparePolicies, listOf } from './policy-document.ts';
import { STACK_CAUSES } from './stack-causes.ts';
import type { TemplateResource } from './template-values.ts';

const { found } = findingsOf('stack', STACK_CAUSES);

/** Compares a managed policy with the template, and checks that it is attached to its roles. */
export const managedPolicyFindings = async (
  context: Context,
  { physicalId: arn, properties }: TemplateResource,
): Promise<Finding[]> => {
  const wanted = properties['PolicyDocument'];
  const [asked, ...attached] = await Promise.all([
    context.settings.resources.managedPolicy(arn),
    ...listOf(properties['Roles']).map((role) => attachmentFindings(context, role, [arn])),
  ]);
  const name = nameOf(arn);
  const fix = awsFix(context, 'iam', 'create-policy-version', {
    PolicyArn: arn,
    PolicyDocument: JSON.stringify(wanted),
    SetAsDefault: true,
  });
  const differences = compared(asked, `policy ${name}`, (text) => {
    const { missing, extra } = comparePolicies(wanted, text);
    if (missing.length > 0)
      return [found('role-policy', { text: `policy ${name} lacks ${missing.join('; ')}`, fix })];
    if (extra.length === 0) return [];
    const said = `policy ${name} has ${extra.join('; ')}, which was not deployed`;
    return [found('role-policy-wider', { text: said, fix })];
  });
  return [...differences, ...attached.flat()];
};

/** Checks that a role has these managed policies. */
export const attachmentFindings = async (
  context: Context,
  role: string,
  arns: readonly string[],
): Promise<Finding[]> => {
  if (arns.length === 0) return [];
  const asked = await context.settings.resources.attachedPolicies(role);
  return compared(asked, `the managed policies of role ${role}`, (attached) =>
    arns
      .filter((arn) => !attached.includes(arn))
      .map((arn) =>
        found('role-policy', {
          text: `role ${role} lacks its whole policy ${nameOf(arn)}`,
          fix: awsFix(context, 'iam', 'attach-role-policy', { RoleName: role, PolicyArn: arn }),
        }),
      ),
  );
};

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
