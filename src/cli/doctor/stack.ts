/** The second group: the deployed stack, its alarms, its concurrency and its report bucket. */
import { subscribeTo } from './alarm-subscription.ts';
import { accountOf, type Context } from './context.ts';
import { compared } from './drift.ts';
import { type Finding, findingsOf, whyNotChecked } from './finding.ts';
import { hittingDenials } from './denials.ts';
import { STACK_CAUSES } from './stack-causes.ts';
import { deployedResources, driftFindings } from './stack-drift.ts';
import type { TemplateResource } from './template-values.ts';
import { countOf } from '../../lib/text/amounts.ts';

const { ok, found, notChecked } = findingsOf('stack', STACK_CAUSES);

export const stackFindings = async (context: Context): Promise<Finding[]> => {
  if (context.identity === null) return [notChecked('no credentials')];
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
        fix: {
          kind: 'command',
          account: accountOf(context),
          command: `aws cloudformation describe-stack-events --stack-name ${context.names.stack} --region ${context.region}`,
        },
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
  const wrong = (text: string): Finding =>
    found('report-bucket', {
      text,
      fix: {
        kind: 'command',
        account: owner,
        command: `aws s3 mb s3://${report.bucket} --region ${context.region}`,
      },
    });
  if (asked.kind === 'missing') return [wrong(`${what} does not exist`)];
  if (asked.kind === 'denied' && (await belongsToOthers(context, report.bucket, owner)))
    return [wrong(`${what} belongs to another account than ${owner}`)];
  if (asked.kind !== 'answer') return [notChecked(whyNotChecked(what, asked) ?? what)];
  const policy = await context.settings.buckets.policy(report.bucket);
  const denials =
    policy.kind === 'answer' ? hittingDenials(context, policy.value, ['backfillRole'], ['s3:PutObject']) : [];
  return denials.length === 0
    ? [ok(`${what} is ours`)]
    : denials.map((sid) =>
        found('report-bucket-denies', {
          text: `${what}: statement ${sid} of its policy denies s3:PutObject to the backfill function`,
          fix: {
            kind: 'command',
            account: owner,
            command: `aws s3api get-bucket-policy --bucket ${report.bucket} --query Policy --output text`,
          },
        }),
      );
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
