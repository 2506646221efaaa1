/** The two occasions on which subscriptions are checked: the schedule, and each deployment. */
import { failureText } from './advice.ts';
import { type CheckDependencies, checkSubscriptions, type Repairs } from './check-subscriptions.ts';
import type { CustomResource } from './custom-resource.ts';
import { backfillCommands, findingText } from './finding.ts';
import type { SubscriptionRecord } from './subscription-record.ts';

export interface CheckSettings {
  /** The options by which commands find this stack. */
  options: string;
  /** Which lost subscriptions the schedule restores. */
  repairs: Repairs;
}

/**
 * Checks all subscriptions for the schedule. `expected` is how many there must be at least.
 *
 * @throws Error with all findings. The failed invocation sets off the alarm
 */
export const checkOnSchedule = async (
  deps: CheckDependencies,
  { options, repairs }: CheckSettings,
  expected: number,
): Promise<void> => {
  const { records, findings } = await checkSubscriptions(deps, repairs);
  const missing = expected - records.length;
  const texts = findings.map((finding) => findingText(finding, options));
  if (missing > 0) texts.push(`${missing} of ${expected} records of subscriptions are gone. ${DEPLOY}`);
  if (texts.length > 0) throw new Error(texts.join('\n'));
};

const DEPLOY = 'Deploy again (`npx serverless deploy`), which makes them anew.';

/**
 * The custom resource that checks all subscriptions on every deployment. It restores lost subscriptions, however often they were
 * restored before. Its attribute `Report` is an output of the stack. The resource never fails: the failure would roll the
 * deployment back and repair nothing, and a failed rollback would leave a stack that cannot be updated.
 */
export const subscriptionCheck = (deps: CheckDependencies, { options }: CheckSettings): CustomResource => {
  const check = async (): Promise<{ Report: string }> => {
    try {
      const { records, findings } = await checkSubscriptions(deps, 'always');
      const texts = [
        `Source buckets with a subscription: ${records.length}.`,
        ...findings.map((finding) => findingText(finding, options)),
        ...records.flatMap((record) => delayText(record, deps.clock.now(), options)),
      ];
      return { Report: cut(texts.join('\n')) };
    } catch (error) {
      return { Report: cut(`The subscriptions could not be checked: ${failureText(error)}. Deploy again.`) };
    }
  };
  return {
    physicalResourceId: () => 'subscriptions',
    create: check,
    update: check,
    delete: async () => {},
  };
};

/** Returns a text if a deployment has just switched EventBridge on for the bucket. */
const delayText = ({ wanted, state }: SubscriptionRecord, nowMs: number, options: string): string[] => {
  const { switchedOnMs } = state;
  if (switchedOnMs === null || switchedOnMs < nowMs - 2 * EVENTBRIDGE_DELAY_MS) return [];
  return [
    `EventBridge reports changes in ${wanted.bucket} from about five minutes after now. Then replicate what was written meanwhile:`,
    ...backfillCommands(wanted, switchedOnMs, options),
  ];
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-event-notifications-eventbridge.html */
const EVENTBRIDGE_DELAY_MS = 5 * 60_000;

const cut = (text: string): string => text.slice(0, MAXIMUM_REPORT_CHARACTERS);

/** Maximum length of the report, so that it fits into an output of the stack. All findings are announced in full. */
const MAXIMUM_REPORT_CHARACTERS = 1000;
