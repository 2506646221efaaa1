/**
 * What each alarm means, and the one command to begin with. The descriptions of the alarms and the first page of docs/operations.md
 * are made from these texts.
 */
import type { Deployment } from '../lib/configuration/resource-names.ts';

interface AlarmText {
  /** One or two short sentences. */
  meaning: string;
  /** `STACK`, `STAGE` and `REGION` are placeholders for the values of the deployment. */
  command: string;
  /** The section of docs/operations.md with further steps. */
  section: string;
}

/** Returns a command of our command line, with placeholders for the stage and region. */
const cli = (words: string): string => `npx s3-replicator ${words} --stage STAGE --region REGION`;

/** Returns the command that shows the last lines of a function's log. */
const log = (part: string): string => `aws logs tail /aws/lambda/STACK-${part} --since 1h --region REGION`;

const DEPLOY = 'npx serverless deploy --stage STAGE --region REGION';
const LOOP =
  'Lambda stopped messages as a recursive loop, because RecursiveLoop of the function is not Allow any more.';

/** The keys are the ends of the alarm names. The order is that in which an engineer on call should look at the alarms. */
export const ALARM_TEXTS = {
  'dead-letters': {
    meaning: 'Objects could not be replicated, and wait for a person. It stays on until the queue is empty.',
    command: cli('dlq list'),
    section: 'Dead letters',
  },
  'new-dead-letters': {
    meaning: 'More objects could not be replicated in the last five minutes.',
    command: cli('dlq list --since 10m'),
    section: 'Dead letters',
  },
  'dead-letters-expire': {
    meaning:
      'SQS deletes the oldest dead letters in less than four days, and with them the knowledge of what is missing.',
    command: cli('dlq list --each'),
    section: 'Dead letters',
  },
  'deletes-paused': {
    meaning:
      'There were deletes or overwrites in masses. The replicas of the rule are not deleted any more until you release them.',
    command: cli('brake status'),
    section: 'Paused deletes',
  },
  subscriptions: {
    meaning:
      'A source bucket lost its subscription, or nobody checks. The log names the bucket, since when events may be missing, and the command that closes the gap.',
    command: log('subscribe'),
    section: 'Lost subscriptions',
  },
  verify: {
    meaning:
      'A scheduled verify found differences, failed, or was refused or stopped because of its budget. It stays on until a whole run finds that both sides agree. Only where a rule has `verify`.',
    command: cli('status'),
    section: 'Scheduled verifies',
  },
  'destinations-avoided': {
    meaning:
      'A destination denies everything, fails or does not answer. Its messages wait, and come back by themselves.',
    command: cli('waiting list'),
    section: 'Waiting messages',
  },
  'oldest-message': {
    meaning: 'Events have waited longer than `stack.alarms.oldestMessageMinutes`: replication is behind.',
    command: cli('status'),
    section: 'Waiting messages',
  },
  throttles: {
    meaning: 'The account has no concurrency left for the replicate function.',
    command: cli('doctor'),
    section: 'Functions that fail',
  },
  errors: {
    meaning: 'Invocations of the replicate function failed as a whole: crash, time-out, out of memory.',
    command: log('replicate'),
    section: 'Functions that fail',
  },
  'transfer-errors': {
    meaning:
      'Invocations of the transfer function failed as a whole, or nobody looks after transfers that stand still.',
    command: log('transfer'),
    section: 'Transfers',
  },
  'transfers-dead-letters': {
    meaning: 'Parts of large objects were given up, because their function crashed again and again.',
    command: cli('transfers list'),
    section: 'Transfers',
  },
  'backfill-errors': {
    meaning: 'Invocations of the backfill function failed as a whole, or nobody looks after runs.',
    command: log('backfill'),
    section: 'Backfill and verify',
  },
  'ranges-dead-letters': {
    meaning: 'A backfill or verify does not get on, because its function crashed again and again.',
    command: cli('backfill list --phase active'),
    section: 'Backfill and verify',
  },
  'replicate-recursion': { meaning: LOOP, command: DEPLOY, section: 'Recursive loops' },
  'transfer-recursion': { meaning: LOOP, command: DEPLOY, section: 'Recursive loops' },
  'backfill-recursion': { meaning: LOOP, command: DEPLOY, section: 'Recursive loops' },
} as const satisfies Record<string, AlarmText>;

export type AlarmName = keyof typeof ALARM_TEXTS;

/** Returns the description of an alarm. The mail of the alarm contains it. */
export const alarmDescription = (name: AlarmName, deployment: Deployment): string => {
  const { meaning, command }: AlarmText = ALARM_TEXTS[name];
  return `${meaning} Begin with: ${commandFor(command, deployment)}`;
};

const commandFor = (command: string, { name, stage, region }: Deployment): string =>
  command.replaceAll('STACK', `${name}-${stage}`).replaceAll('STAGE', stage).replaceAll('REGION', region);
