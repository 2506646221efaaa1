/** The second group: the deployed stack, its alarms, its concurrency and its report bucket. */
import { valueOf } from '../../lib/aws/settings/asked.ts';
import { subscribeTo } from './alarm-subscription.ts';
import { accountOf, type Context } from './context.ts';
import { awsFix, compared } from './drift.ts';
import { type Finding, findingsOf, NO_CREDENTIALS, whyNotChecked } from './finding.ts';
import { DEPLOY, type Fix } from './fix.ts';
import { denialsIn, ownRoles } from './denials.ts';
import { STACK_CAUSES } from './stack-causes.ts';
import { deployedResources, driftFindings } from './stack-drift.ts';
import type { TemplateResource } from './template-values.ts';
import { countOf } from '../../lib/text/amounts.ts';

const { ok, found, notChecked } = findingsOf('stack', STACK_CAUSES);

export const stackFindings = async (context: Context): Promise<Finding[]> => {
  if (context.identity === null) return [notChecked(NO_CREDENTIALS)];
  const state = await context.settings.stacks.state(context.names.stack);
  if (state.kind === 'missing')
    return [
      ok('not deployed yet: what follows is what can be seen from here'),
      ...(await beforeDeployment(context)),
    ];
  if (state.kind !== 'answer') return [notChecked(whyNotChecked('the stack', state) ?? 'the stack')];
  const resources = await deployedResources(context);
  const drift = Array.isArray(resources) ? await driftFindings(context, resources) : [resources];
  const counts = Array.isArray(resources) ? `, ${countsText(resources)}` : '';
  const status = SETTLED.has(state.value.status)
    ? ok(`${state.value.status}${counts}`)
    : found('stack-status', {
        text: `the stack is ${state.value.status}`,
        fix: { kind: 'command', account: accountOf(context), command: settling(context, state.value.status) },
      });
  const others = await Promise.all([
    alarmFindings(context, state.value.outputs['AlarmTopicArn'] ?? ''),
    concurrencyFindings(context),
    reportBucketFindings(context),
  ]);
  return [status, ...drift, ...others.flat()];
};

const SETTLED: ReadonlySet<string> = new Set([
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  'IMPORT_COMPLETE',
]);

/** Returns the command after which the stack can be used or deployed again. */
const settling = ({ names, region }: Context, status: string): string => {
  const aws = (words: string): string =>
    `aws cloudformation ${words} --stack-name ${names.stack} --region ${region}`;
  if (status.endsWith('ROLLBACK_IN_PROGRESS')) return aws('wait stack-rollback-complete');
  if (status.endsWith('_IN_PROGRESS')) return aws('wait stack-update-complete');
  if (status === 'UPDATE_ROLLBACK_FAILED') return aws('continue-update-rollback');
  // A stack that could not be created has to be deleted first.
  if (/^(ROLLBACK|CREATE_FAILED|DELETE_FAILED)/.test(status)) return aws('delete-stack');
  return DEPLOY;
};

const beforeDeployment = async (context: Context): Promise<Finding[]> => [
  ...(await concurrencyFindings(context)),
  ...(await reportBucketFindings(context)),
];

const countsText = (resources: TemplateResource[]): string => {
  const count = (type: string, one: string): string =>
    countOf(resources.filter((resource) => resource.type === type).length, one);
  return [
    count('AWS::Lambda::Function', 'function'),
    count('AWS::SQS::Queue', 'queue'),
    count('AWS::CloudWatch::Alarm', 'alarm'),
  ].join(', ');
};

const alarmFindings = async (context: Context, topicArn: string): Promise<Finding[]> => {
  if (topicArn === '') return [notChecked('the topic of the alarms: the stack has no output AlarmTopicArn')];
  const name = topicArn.split(':').at(-1) ?? '';
  const asked = await context.settings.resources.topicSubscriptions(topicArn);
  return compared(asked, `topic ${name}`, (subscriptions) => {
    const confirmed = subscriptions.filter(({ isConfirmed }) => isConfirmed);
    if (confirmed.length > 0) return [ok(`alarms reach ${countOf(confirmed.length, 'subscription')}`)];
    const waiting = subscriptions.length === 0 ? '' : ` (${subscriptions.length} not confirmed yet)`;
    const text = `alarms reach nobody: topic ${name} has no confirmed subscription${waiting}`;
    return [found('alarms-unheard', { text, fix: subscribeTo(context, topicArn, subscriptions) })];
  });
};

const concurrencyFindings = async (context: Context): Promise<Finding[]> => {
  const { stack, backfill, transfers } = context.configuration;
  const wanted =
    stack.maximumConcurrency +
    backfill.maximumConcurrency +
    backfill.listingConcurrency +
    transfers.maximumConcurrency;
  const asked = await context.settings.functions.accountConcurrency();
  if (asked.kind !== 'answer') return [notChecked(whyNotChecked('concurrency', asked) ?? 'concurrency')];
  if (wanted <= asked.value * COMFORTABLE_SHARE)
    return [ok(`concurrency ${wanted} of ${asked.value} in this account`)];
  return [
    found('concurrency-short', {
      text: `concurrency ${wanted} of ${asked.value} in this account: a backfill would throttle other functions, and itself`,
      fix: {
        kind: 'command',
        account: accountOf(context),
        command: `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000 --region ${context.region}`,
      },
    }),
  ];
};

/** The share of the account's concurrency that the stack may use without a warning. */
const COMFORTABLE_SHARE = 0.7;

const reportBucketFindings = async (context: Context): Promise<Finding[]> => {
  const { report } = context.configuration.backfill;
  if (report === null) return [];
  const owner = report.account ?? accountOf(context);
  const asked = await context.settings.buckets.region(report.bucket, owner);
  const what = `report bucket ${report.bucket}`;
  const wrong = (text: string, fix: Fix): Finding[] => [found('report-bucket', { text, fix })];
  if (asked.kind === 'missing')
    return wrong(`${what} does not exist`, {
      kind: 'command',
      account: owner,
      command: `aws s3 mb s3://${report.bucket} --region ${context.region}`,
    });
  if (asked.kind === 'denied' && (await belongsToOthers(context, report.bucket, owner)))
    return wrong(`${what} belongs to another account than ${owner}`, {
      kind: 'edit',
      account: owner,
      edit: 'write another bucket: in backfill.report of replication.yml',
      command: DEPLOY,
    });
  if (asked.kind !== 'answer') return [notChecked(whyNotChecked(what, asked) ?? what)];
  const policy = await context.settings.buckets.policy(report.bucket);
  const roles = ownRoles(context, ['backfillRole']);
  const denials = denialsIn(valueOf(policy) ?? '', [{ roles, actions: ['s3:PutObject'] }]);
  if (denials.sids.length === 0) return [ok(`${what} is ours`)];
  return [
    found('report-bucket-denies', {
      text: `${what}: statement ${denials.sids.join(', ')} of its policy denies s3:PutObject to the backfill function`,
      fix: {
        ...awsFix(context, 's3api', 'put-bucket-policy', { Bucket: report.bucket, Policy: denials.policy }),
        account: owner,
      },
    }),
  ];
};

/**
 * S3 gives the same answer for a bucket of another owner and for a missing permission. The list of the account's buckets tells the
 * two apart.
 */
export const belongsToOthers = async (
  { settings, identity }: Context,
  bucket: string,
  owner: string,
): Promise<boolean> => {
  if (identity?.account !== owner) return false;
  const own = await settings.buckets.ownBuckets();
  return own.kind === 'answer' && !own.value.includes(bucket);
};
