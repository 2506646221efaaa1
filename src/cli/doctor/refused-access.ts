/**
 * The exact repair if a role is refused a key, a secret or a source. Only the owner of a policy can read it, so doctor asks with the
 * credentials that it has. Without them, the repair says what to allow.
 */
import type { AccountSettings } from '../../lib/aws/settings/account-settings.ts';
import type { Asked } from '../../lib/aws/settings/asked.ts';
import { isRecord, parsedJson } from '../../lib/model/json.ts';
import type { ProbeStep } from '../../lib/model/probe-step.ts';
import { accountOfArn, ruleDestinations } from '../../lib/model/rule.ts';
import { accountOf, type Context } from './context.ts';
import { denialsIn, ownRoles } from './denials.ts';
import type { Seen } from './destination-seen.ts';
import { DEPLOY, type Fix } from './fix.ts';
import { statementsOf } from './policy-document.ts';

/** What the roles must be allowed, and the answer of AWS that refused it. */
interface Access {
  arn: string;
  roles: string[];
  actions: string[];
  detail: string;
}

/** AWS uses these words if a policy of the resource refuses, and not a policy of the caller. */
const RESOURCE_POLICY = /resource-based polic/;

/** The repair if the role may not use the key of the replicas. S3 says if the key is disabled: then only the key itself has to change. */
export const replicaKeyRepair = async (one: Seen, detail: string): Promise<Fix> => {
  const { kmsKeyArn, roleArn } = one.destination;
  const arn = kmsKeyArn ?? keyIn(detail);
  if (arn === null || roleArn === null) return one.repairs.policy;
  if (detail.startsWith('KMS.DisabledException')) return awsCall(arn, 'kms', 'enable-key', { KeyId: arn });
  // One call must help every role that uses the key, because each call replaces the whole policy.
  const roles = ruleDestinations(one.context.whole.replication).flatMap(({ destination }) =>
    destination.roleArn !== null && destination.kmsKeyArn === arn ? [destination.roleArn] : [],
  );
  const access = {
    arn,
    roles: [...new Set([roleArn, ...roles])].toSorted(),
    actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
    detail,
  };
  const settings = one.context.owners.settingsOf(accountOfArn(arn), one.destination.region);
  return (await keyRepair(settings, access)) ?? one.repairs.policy;
};

const keyIn = (detail: string): string | null =>
  /arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+/.exec(detail)?.[0] ?? null;

/** Returns null if no policy of the key refuses, so that only a policy of the role can. */
const keyRepair = async (settings: AccountSettings | null, access: Access): Promise<Fix | null> => {
  const { arn, roles, actions, detail } = access;
  if (!RESOURCE_POLICY.test(detail)) return null;
  const asked = await settings?.keys.keyPolicy(arn);
  if (asked?.kind !== 'answer') return allowance(access, 'the policy of the key', asked);
  const { sids, policy } = denialsIn(asked.value, [{ roles, actions }]);
  const Policy = sids.length > 0 ? policy : withAllowance(asked.value, access);
  return awsCall(arn, 'kms', 'put-key-policy', { KeyId: arn, PolicyName: 'default', Policy });
};

/** Returns the policy with one more statement, which allows the roles the actions. */
const withAllowance = (policy: string, { roles, actions }: Access): string => {
  const document = parsedJson(policy);
  const allowed = { Effect: 'Allow', Principal: { AWS: roles }, Action: actions, Resource: '*' };
  return JSON.stringify({
    Version: '2012-10-17',
    ...(isRecord(document) ? document : {}),
    Statement: [...statementsOf(policy), allowed],
  });
};

/** Says what to allow, and what doctor lacks to print the call. */
const allowance = (
  { arn, roles, actions, owner = accountOfArn(arn) }: Access & { owner?: string },
  where: string,
  asked: Asked<string> | null = null,
): Fix => ({
  kind: 'edit',
  account: owner,
  edit: `allow ${actions.join(' and ')} to ${roles.map(nameOfRole).join(' and ')} in ${where} ${arn} (with ${asked?.kind === 'denied' ? asked.permission : `--destination-profile of account ${owner}`}, doctor prints the call)`,
  command: '',
});

const nameOfRole = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

const awsCall = (arn: string, service: string, operation: string, input: Record<string, unknown>): Fix => ({
  kind: 'aws',
  account: accountOfArn(arn),
  region: arn.split(':')[3] ?? '',
  service,
  operation,
  input,
});

/** The findings about the stack compare the policies of our roles with the template, and have the call that restores them. */
const ownPolicyRepair = ({ context, rule }: Seen): Fix => ({
  kind: 'command',
  account: accountOf(context),
  command: `npx s3-replicator doctor --fix-script --rule ${rule.id}`,
});

/** The credentials of the caller, or the profile of another account. */
const settingsOf = (context: Context, account: string): AccountSettings | null =>
  account === context.identity?.account
    ? context.settings
    : context.owners.settingsOf(account, context.region);

/** The file in which the operator writes the access key. The key must not appear in the history of a shell. */
const KEY_FILE = 'access-key.json';

export const secretRepair = async (one: Seen, { detail }: ProbeStep): Promise<Fix> => {
  const arn = one.destination.service?.secretArn ?? '';
  const region = arn.split(':')[3] ?? '';
  const writing = `write {"accessKeyId": "…", "secretAccessKey": "…"} into ${KEY_FILE}, because only you know the key`;
  const aws = (command: string): string =>
    `aws secretsmanager ${command} --region ${region} --secret-string file://${KEY_FILE}`;
  if (/holds no text/.test(detail))
    return {
      kind: 'edit',
      account: accountOfArn(arn),
      edit: writing,
      command: aws(`put-secret-value --secret-id ${arn}`),
    };
  // A new secret has a new ARN, because its last six characters are random.
  if (/ResourceNotFoundException/.test(detail))
    return {
      kind: 'edit',
      account: accountOfArn(arn),
      edit: `${writing}, run \`${aws(`create-secret --name ${nameOfSecret(arn)}`)}\`, and write the new ARN as secretArn in replication.yml`,
      command: DEPLOY,
    };
  const roles = ownRoles(one.context, ['replicateRole', 'backfillRole']);
  const access = { arn, roles, actions: ['secretsmanager:GetSecretValue'], detail };
  if (!RESOURCE_POLICY.test(detail))
    return /kms/i.test(detail)
      ? allowance({ ...access, actions: ['kms:Decrypt'] }, 'the policy of the KMS key of')
      : ownPolicyRepair(one);
  const asked = await settingsOf(one.context, accountOfArn(arn))?.keys.secretPolicy(arn);
  if (asked?.kind !== 'answer') return allowance(access, 'the policy of the secret', asked);
  const { sids, policy } = denialsIn(asked.value, [access]);
  const ResourcePolicy = sids.length > 0 ? policy : withAllowance(asked.value, access);
  return awsCall(arn, 'secretsmanager', 'put-resource-policy', { SecretId: arn, ResourcePolicy });
};

/** The ARN of a secret ends with a hyphen and six characters, which are not part of the name. */
const nameOfSecret = (arn: string): string => (arn.split(':')[6] ?? '').replace(/-[^-]{6}$/, '');

/** Returns the call that replaces the policy of a source bucket. */
export const bucketPolicyFix = (
  { region }: Context,
  { bucket, owner, policy }: { bucket: string; owner: string; policy: string },
): Fix => ({
  kind: 'aws',
  account: owner,
  region,
  service: 's3api',
  operation: 'put-bucket-policy',
  input: { Bucket: bucket, Policy: policy },
});

/** The actions that reading a source needs. */
export const READ_ACTIONS = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:ListBucket',
  's3:ListBucketVersions',
];

export const sourceRepair = async (one: Seen, refused: readonly ProbeStep[]): Promise<Fix> => {
  const { context, rule } = one;
  const { bucket, account, roleArn } = rule.source;
  const detail = refused.map((step) => step.detail).join(' ');
  const roles =
    roleArn === null ? ownRoles(context, ['replicateRole', 'backfillRole', 'batchRole']) : [roleArn];
  const key = keyIn(detail);
  if (key !== null) {
    if (roleArn === null && !context.whole.stack.sourceKmsKeyArns.includes(key))
      return {
        kind: 'edit',
        account: accountOf(context),
        edit: `add ${key} to kmsKeyArns in the source of rule ${rule.id} in replication.yml`,
        command: DEPLOY,
      };
    const settings = settingsOf(context, accountOfArn(key));
    const repair = await keyRepair(settings, { arn: key, roles, actions: ['kms:Decrypt'], detail });
    return repair ?? ownPolicyRepair(one);
  }
  const owner = account ?? accountOf(context);
  const asked = await settingsOf(context, owner)?.buckets.policy(bucket);
  const needed = [{ roles, actions: READ_ACTIONS }];
  const denials = asked?.kind === 'answer' ? denialsIn(asked.value, needed) : null;
  if (denials !== null && denials.sids.length > 0)
    return bucketPolicyFix(context, { bucket, owner, policy: denials.policy });
  return RESOURCE_POLICY.test(detail) || roleArn !== null
    ? allowance({ arn: bucket, roles, actions: READ_ACTIONS, detail, owner }, 'the policies of')
    : ownPolicyRepair(one);
};
