/**
 * Shows the view of the owner of a destination: the stack of `destination/template.yml`, its two roles, and the settings of the bucket.
 * This view needs `--destination-profile`, because a destination trusts no other caller.
 */
import { relative } from 'node:path';
import type { AccountSettings } from '../../lib/aws/settings/account-settings.ts';
import { valueOf } from '../../lib/aws/settings/asked.ts';
import type { StackState } from '../../lib/aws/settings/stack-settings.ts';
import { productFile, productVersion } from '../../lib/configuration/package-files.ts';
import { accountOfArn, compareRoleArn } from '../../lib/model/rule.ts';
import { destinationCommand } from '../../stack/destination-command.ts';
import { OUTPUTS } from '../../stack/rules-digest.ts';
import { type DestinationStack, destinationStacks } from '../../stack/destination-stacks.ts';
import { accountOf, type Context } from './context.ts';
import { bucketFindings } from './destination-bucket.ts';
import { roleFindings, type SeenRole } from './destination-roles.ts';
import type { Seen } from './destination-seen.ts';
import { type Finding, whyNotChecked } from './finding.ts';
import type { Fix } from './fix.ts';
import { type TemplateResource, templateResources } from './template-values.ts';

/** The findings about a destination, and the fixes for the calls that the inspect function is refused there. */
export interface OwnersView {
  findings: Finding[];
  /**
   * Each fix is null if the corresponding policy is in order: the trust policies, the policies of the roles, and the policy of the
   * bucket.
   */
  fixes: Record<'bucket' | 'compare' | 'policy' | 'trust', Fix | null>;
  /** Whether the findings name the reason why the role cannot be assumed. */
  isTrustNamed: boolean;
  /** Whether the role exists and its trust policy is as it was deployed, so that only our own side can refuse to assume it. */
  isTrustRight: boolean;
  /** Whether the stack meets the needs of the rules, so that only something outside the stack can refuse the role. */
  isSound: boolean;
}

export const ownersView = async (one: Seen, settings: AccountSettings): Promise<OwnersView | null> => {
  const { roleArn } = one.destination;
  if (roleArn === null) return null;
  const stack = await settings.stacks.ofRole(roleArn);
  const resources = stack.kind === 'answer' ? await resourcesOf(one, settings, stack.value) : null;
  const roleOf = (arn: string, trusted: SeenRole['trusted']): Promise<Finding[]> => {
    const name = arn.slice(arn.lastIndexOf('/') + 1);
    const resource = resources?.find(({ physicalId }) => physicalId === name) ?? null;
    return roleFindings(one, { name, resource, trusted, context: ownContext(one, settings) });
  };
  const [role, compare, bucket] = await Promise.all([
    roleOf(roleArn, 'replicateRole'),
    roleOf(compareRoleArn(roleArn), 'backfillRole'),
    bucketFindings(one, settings.buckets),
  ]);
  const deployed = stack.kind === 'answer' ? stackFindings(one, stack.value) : [];
  const why = whyNotChecked('the stack of its role', stack);
  const wrong = [...deployed, ...role, ...compare].filter(({ cause }) => cause !== null);
  return {
    findings: [...(why === null ? [] : [one.notChecked(why)]), ...deployed, ...role, ...compare, ...bucket],
    fixes: {
      trust: fixIn(role, /^(update-assume-role-policy|create-role)$/),
      policy: fixIn(role, /^put-role-policy$/),
      compare: fixIn(compare, /./),
      bucket: fixIn(bucket, /^put-bucket-policy$/),
    },
    isTrustNamed: role.some(({ cause }) => cause !== null && TRUST_CAUSES.has(cause)),
    isTrustRight:
      stack.kind === 'answer' &&
      role.every(
        ({ cause, verdict }) => verdict !== 'not-checked' && !(cause !== null && OF_TRUST.has(cause)),
      ),
    isSound: stack.kind === 'answer' && wrong.length === 0,
  };
};

const TRUST_CAUSES: ReadonlySet<string> = new Set(['role-missing', 'role-distrusts', 'role-other-id']);

const OF_TRUST: ReadonlySet<string> = new Set([...TRUST_CAUSES, 'trust-changed']);

const fixIn = (findings: readonly Finding[], operation: RegExp): Fix | null =>
  findings.find(({ fix }) => fix?.kind === 'aws' && operation.test(fix.operation))?.fix ?? null;

/**
 * Returns the context for checks with the credentials of the destination account. The checks are the same as for the source account's
 * roles.
 */
const ownContext = ({ context, destination }: Seen, settings: AccountSettings): Context => ({
  ...context,
  settings,
  region: destination.region,
  identity: { account: accountOfArn(destination.roleArn ?? ''), arn: '' },
});

const resourcesOf = async (
  { destination }: Seen,
  { stacks }: AccountSettings,
  { name, parameters }: StackState,
): Promise<TemplateResource[] | null> => {
  const [template, resources] = await Promise.all([stacks.template(name), stacks.resources(name)]);
  const account = accountOfArn(destination.roleArn ?? '');
  const place = { account, region: destination.region, stack: name, parameters };
  return templateResources(valueOf(template) ?? '', valueOf(resources) ?? [], place);
};

const stackFindings = (one: Seen, { name, outputs, parameters }: StackState): Finding[] => {
  const own = productVersion();
  const version = outputs[OUTPUTS.version] ?? 'before 0.1.0';
  const wanted = wantedParameters(one);
  const lacking = Object.entries(wanted).filter(
    ([parameter, value]) => !isEnough(parameter, value, parameters[parameter] ?? ''),
  );
  // The stack may have another name than the one that `config destination` would give it.
  const fix: Fix = {
    kind: 'command',
    account: accountOfArn(one.destination.roleArn ?? ''),
    command: destinationCommand(
      { region: one.destination.region, stackName: name, parameters: Object.fromEntries(lacking) },
      { template: relative(one.context.cwd, productFile('destination/template.yml')), width: Infinity },
    ),
  };
  return [
    ...(version === own
      ? [one.ok(`template ${version}`)]
      : [one.found('template-version', `stack ${name} has template ${version}, this is ${own}`, fix)]),
    ...(lacking.length === 0
      ? []
      : [
          one.found(
            'template-parameters',
            `stack ${name} has other parameters than the rules need: ${lacking.map(([parameter, value]) => `${parameter} is "${parameters[parameter] ?? ''}", not "${value}"`).join(', ')}`,
            fix,
          ),
        ]),
  ];
};

const wantedParameters = ({ context, rule, destination }: Seen): DestinationStack['parameters'] => {
  const choices = {
    sourceAccount: accountOf(context),
    createBucket: false,
    enableObjectLock: false,
    retention: null,
  };
  const { stacks } = destinationStacks(context.whole, [{ rule, destination }], choices);
  return stacks[0]?.parameters ?? {};
};

/** A stack may allow more than the rules need, but not less. */
const isEnough = (parameter: string, wanted: string, actual: string): boolean => {
  switch (parameter) {
    case 'Prefix':
      return wanted.startsWith(actual.replace(/[*?].*$/, ''));
    case 'MaxRetentionDays':
      return actual === '' || Number(actual) >= Number(wanted);
    case 'ReplicateAcl':
    case 'ReplicateDeletes':
      return actual === 'yes' || wanted === 'no';
    case 'ObjectLock':
      return actual !== 'no' || wanted === 'no';
    // The probe finds out whether S3 can copy by itself, so these parameters are not compared.
    case 'SourceBucketName':
    case 'SourceBucketAccount':
    case 'SourceKmsKeyArn':
    case 'RolePath':
      return true;
    default:
      return wanted === actual;
  }
};
