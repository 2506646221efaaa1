/** The quotas of policies, and how long a policy of the template becomes. */

/** All inline policies of a role together. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const ROLE_CHARACTERS = 10_240;

/** A managed policy. Same page. */
export const MANAGED_CHARACTERS = 6144;

/** Returns the approximate length of a policy after CloudFormation has replaced all references by their values. */
export const characters = (policy: unknown): number => JSON.stringify(policy, resolve)?.length ?? 0;

function resolve(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('Fn::Sub' in value) return String(value['Fn::Sub']).replaceAll(/\$\{AWS::\w+\}/g, 'x'.repeat(12));
  if ('Ref' in value && String(value['Ref']).startsWith('AWS::')) return 'x'.repeat(12);
  // The value is the ARN or name of a queue, table or log group of this stack.
  if ('Fn::GetAtt' in value || 'Ref' in value) return 'x'.repeat(100);
  return value;
}
