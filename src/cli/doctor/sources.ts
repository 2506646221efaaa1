/** The third group: each source bucket, as the caller sees it. */
import { copiesInsideS3 } from '../../lib/model/rule.ts';
import { valueOf } from '../../lib/aws/settings/asked.ts';
import type { LifecycleRuleSummary } from '../../lib/aws/settings/bucket-settings.ts';
import { sourceBuckets } from '../../stack/source-buckets.ts';
import { accountOf, type Context } from './context.ts';
import { denialsIn, ownRoles } from './denials.ts';
import { type Finding, findingsOf, NO_CREDENTIALS, whyNotChecked } from './finding.ts';
import { DEPLOY, type Fix } from './fix.ts';
import { bucketPolicyFix, READ_ACTIONS } from './refused-access.ts';
import { SOURCE_CAUSES } from './source-causes.ts';
import { notificationFindings } from './source-notifications.ts';
import type { Source } from './source.ts';
import { belongsToOthers } from './stack.ts';

const { ok, found, notChecked } = findingsOf('sources', SOURCE_CAUSES);

export const sourceFindings = async (context: Context): Promise<Finding[]> => {
  if (context.identity === null) return [notChecked(NO_CREDENTIALS)];
  const { rules } = context.configuration.replication;
  const chosen = new Set(rules.map(({ source }) => source.bucket));
  // A bucket has one subscription for all its rules, so the rules that were not chosen count too.
  const all = sourceBuckets(context.whole.replication.rules).filter(({ bucket }) => chosen.has(bucket));
  const findings = await Promise.all(
    all.map((subscribed) =>
      oneSource(context, {
        bucket: subscribed.bucket,
        owner: subscribed.account ?? accountOf(context),
        rules: rules.filter(({ source }) => source.bucket === subscribed.bucket),
        subscribed,
      }),
    ),
  );
  return findings.flat();
};

const oneSource = async (context: Context, source: Source): Promise<Finding[]> => {
  const place = await placeFinding(context, source);
  if (place.verdict === 'error') return [place];
  const others = await Promise.all([
    versioningFindings(context, source),
    notificationFindings(context, source),
    denialFindings(context, source),
    encryptionFindings(context, source),
    lifecycleFindings(context, source),
    payerFindings(context, source),
    ownershipFindings(context, source),
  ]);
  return [place, ...others.flat()];
};

const placeFinding = async (context: Context, { bucket, owner }: Source): Promise<Finding> => {
  const asked = await context.settings.buckets.region(bucket, owner);
  const edit = (text: string): Fix => ({ kind: 'edit', account: owner, edit: text, command: DEPLOY });
  if (asked.kind === 'missing')
    return found('source-missing', {
      subject: bucket,
      text: 'there is no such bucket',
      fix: {
        kind: 'command',
        account: owner,
        command: `aws s3 mb s3://${bucket} --region ${context.region}`,
      },
    });
  if (asked.kind === 'denied' && (await belongsToOthers(context, bucket, owner)))
    return found('source-other-owner', {
      subject: bucket,
      text: `belongs to another account than ${owner}: somebody has taken over the name, or account: is missing`,
      fix: edit('correct bucket: or account: of the source in replication.yml'),
    });
  if (asked.kind !== 'answer') return notChecked(whyNotChecked('the bucket', asked) ?? 'the bucket', bucket);
  if (asked.value !== '' && asked.value !== context.region)
    return found('source-other-region', {
      subject: bucket,
      text: `is in ${asked.value}, the stack in ${context.region}`,
      fix: edit(`move its rules into a replication.yml with region: ${asked.value}`),
    });
  return ok(context.region, bucket);
};

const versioningFindings = async (context: Context, { bucket, owner, rules }: Source): Promise<Finding[]> => {
  const asked = await context.settings.buckets.versioning(bucket);
  if (asked.kind !== 'answer') return [skipped('versioning', bucket, asked)];
  if (asked.value === 'Enabled') return [ok('versioned', bucket)];
  const said = asked.value === 'never' ? 'not versioned' : 'versioning is suspended';
  const history = rules.filter(({ versions }) => versions === 'all').map(({ id }) => id);
  if (history.length === 0) return [ok(said, bucket)];
  return [
    found('source-unversioned', {
      subject: bucket,
      text: `${said}, though rule ${history.join(', ')} says versions: all – only the current state is replicated`,
      fix: {
        kind: 'aws',
        account: owner,
        region: context.region,
        service: 's3api',
        operation: 'put-bucket-versioning',
        input: { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } },
      },
    }),
  ];
};

const SUBSCRIBE_ACTIONS = ['s3:GetBucketNotification', 's3:PutBucketNotification'];

const denialFindings = async (context: Context, { bucket, owner }: Source): Promise<Finding[]> => {
  const asked = await context.settings.buckets.policy(bucket);
  if (asked.kind === 'missing') return [];
  if (asked.kind !== 'answer') return [skipped('bucket policy', bucket, asked)];
  const { sids, policy } = denialsIn(asked.value, [
    { roles: ownRoles(context, ['replicateRole', 'backfillRole', 'batchRole']), actions: READ_ACTIONS },
    { roles: ownRoles(context, ['subscribeRole']), actions: SUBSCRIBE_ACTIONS },
  ]);
  if (sids.length === 0) return [];
  return [
    found('source-denies', {
      subject: bucket,
      text: `statement ${sids.join(', ')} of its policy denies the functions what they need`,
      fix: bucketPolicyFix(context, { bucket, owner, policy }),
    }),
  ];
};

const encryptionFindings = async (context: Context, { bucket, rules }: Source): Promise<Finding[]> => {
  const asked = await context.settings.buckets.kmsKey(bucket);
  if (asked.kind === 'missing') return [];
  if (asked.kind !== 'answer') return [skipped('default encryption', bucket, asked)];
  const key = asked.value;
  // Nothing is reported if all rules use a source role, because that role may use KMS keys that the rules do not name. Keys that AWS
  // manages need no grant in their own account.
  if (key === null || key.endsWith('alias/aws/s3') || rules.every(({ source }) => source.roleArn !== null))
    return [];
  const { sourceKmsKeyArns: known } = context.whole.stack;
  if (known.some((arn) => arn === key || arn.endsWith(`/${key}`))) return [ok('key known', bucket)];
  return [
    found('source-key-unknown', {
      subject: bucket,
      text: `new objects are encrypted with ${key}, which no rule names: the function may not decrypt them`,
      fix: {
        kind: 'edit',
        account: accountOf(context),
        edit: `add ${key} to kmsKeyArns in the source of rule ${rules.map(({ id }) => id).join(', ')} in replication.yml`,
        command: DEPLOY,
      },
    }),
  ];
};

/** The storage classes whose objects must be restored before they can be read. */
const ARCHIVES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

const lifecycleFindings = async (context: Context, { bucket, rules }: Source): Promise<Finding[]> => {
  const asked = await context.settings.buckets.lifecycle(bucket);
  if (asked.kind === 'missing') return [];
  if (asked.kind !== 'answer') return [skipped('lifecycle', bucket, asked)];
  return asked.value.flatMap((lifecycle) =>
    rules
      .filter(({ restore, source }) => restore === null && isTouched(lifecycle, source.prefix))
      .map((rule) =>
        found('source-archives', {
          subject: bucket,
          text: `lifecycle moves ${lifecycle.prefix === '' ? 'objects' : lifecycle.prefix} to ${lifecycle.movesTo.find((one) => ARCHIVES.has(one))} and rule ${rule.id} has no restore:`,
          fix: {
            kind: 'edit',
            account: accountOf(context),
            edit: `add restore: { days: 1 } to rule ${rule.id} in replication.yml`,
            command: DEPLOY,
          },
        }),
      ),
  );
};

const isTouched = ({ isEnabled, movesTo, prefix }: LifecycleRuleSummary, wanted: string): boolean =>
  isEnabled &&
  movesTo.some((one) => ARCHIVES.has(one)) &&
  (wanted.startsWith(prefix) || prefix.startsWith(wanted));

const payerFindings = async (context: Context, { bucket, owner, rules }: Source): Promise<Finding[]> => {
  const asked = await context.settings.buckets.requestPayer(bucket);
  if (asked.kind !== 'answer') return [skipped('Requester Pays', bucket, asked)];
  if (asked.value !== 'Requester') return [];
  const isForeign = owner !== accountOf(context);
  const fails = isForeign || rules.some(({ copy }) => copy === 'server-side');
  if (!fails && !rules.some((rule) => rule.destinations.some((each) => copiesInsideS3(rule, each))))
    return [];
  return [
    found(fails ? 'source-requester-pays' : 'source-requester-pays-streams', {
      subject: bucket,
      text: fails
        ? 'Requester Pays is on, and S3 refuses requests of other accounts'
        : 'Requester Pays is on: S3 cannot copy by itself, so all bytes pass through the function',
      fix: {
        kind: 'aws',
        account: owner,
        region: context.region,
        service: 's3api',
        operation: 'put-bucket-request-payment',
        input: { Bucket: bucket, RequestPaymentConfiguration: { Payer: 'BucketOwner' } },
      },
    }),
  ];
};

const ownershipFindings = async (context: Context, { bucket, owner, rules }: Source): Promise<Finding[]> => {
  const asked = await context.settings.buckets.ownership(bucket);
  const value = asked.kind === 'missing' ? 'ObjectWriter' : valueOf(asked);
  if (value === null) return [skipped('ownership', bucket, asked)];
  // Grants can only be replicated from a bucket that has them.
  if (value !== 'ObjectWriter' || rules.some(({ acl }) => acl === 'replicate')) return [];
  return [
    found('source-object-owners', {
      subject: bucket,
      text: 'objects belong to those who write them: the function may not read what other accounts upload',
      fix: {
        kind: 'aws',
        account: owner,
        region: context.region,
        service: 's3api',
        operation: 'put-bucket-ownership-controls',
        input: {
          Bucket: bucket,
          OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        },
      },
    }),
  ];
};

const skipped = (what: string, bucket: string, asked: Parameters<typeof whyNotChecked>[1]): Finding =>
  notChecked(whyNotChecked(what, asked) ?? what, bucket);
