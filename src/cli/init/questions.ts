/** The questions of `init`. Each is also an option of the command line. */
import { matching } from '../terminal/option-value.ts';
import {
  ACCOUNT,
  EXTERNAL_ID,
  isBucketName,
  KMS_KEY_ARN,
  REGION,
  STACK_NAME_PART,
} from '../../lib/configuration/aws-syntax.ts';
import { DEFAULT_MAX_RETENTION_DAYS } from '../../lib/configuration/destination-schema.ts';
import type { BucketFacts } from '../../lib/aws/s3/probe/look-at-bucket.ts';
import type { Choice } from '../terminal/questions.ts';

export type Flag =
  | 'source'
  | 'region'
  | 'prefix'
  | 'destination-account'
  | 'destination'
  | 'destination-region'
  | 'create-bucket'
  | 'versions'
  | 'deletes'
  | 'protection'
  | 'retention-days'
  | 'source-kms-key'
  | 'destination-kms-key'
  | 'alarm-email'
  | 'external-id'
  | 'name';

export type Answers = Readonly<Record<Flag, string>>;

/** The facts that are known when a question is asked. */
export interface Known {
  answers: Answers;
  source: BucketFacts | null;
  destination: BucketFacts | null;
  /** The account of the caller's credentials. */
  account: string | null;
  /** A text that nobody can guess. */
  random: string;
}

export interface Question {
  flag: Flag;
  /** The placeholder of the value in the help. */
  value: string;
  /** The text that the terminal and the help show. */
  message: string;
  choices?: readonly Choice[];
  /** Returns what is wrong with an answer, or null. */
  check(answer: string): string | null;
  /** Returns the answer that the settings of the bucket already give. In that case nobody is asked. */
  seen?(known: Known): string | null;
  /** Whether a person is asked. Otherwise the recommended answer is taken. By default, a person is asked. */
  isAsked?: false;
  /** Returns whether the question applies. By default it does. */
  arises?(known: Known): boolean;
  /** Returns the recommended answer. Returns null if only a person can answer. */
  proposed(known: Known): string | null;
}

const bucket = (answer: string): string | null =>
  isBucketName(answer) ? null : 'takes the name of a bucket: 3–63 characters of a–z, 0–9, dot and hyphen';

const orNone =
  (check: (answer: string) => string | null) =>
  (answer: string): string | null =>
    answer === NONE ? null : check(answer);

export const NONE = 'none';

const among = (choices: readonly Choice[]) => ({
  choices,
  value: choices.map(({ value }) => value).join('|'),
  check: (answer: string) =>
    choices.some(({ value }) => value === answer)
      ? null
      : `takes one of ${choices.map(({ value }) => value).join(', ')}`,
});

const YES_NO = [
  { value: 'yes', label: 'yes: the stack of the destination account creates it' },
  { value: 'no', label: 'no: it exists' },
];
const VERSIONS = [
  { value: 'all', label: 'all: every version, in the order of the source' },
  { value: 'latest', label: 'latest: each key at its current state' },
];
const DELETES = [
  { value: 'ignore', label: 'ignore: replicas stay when an object is deleted' },
  { value: 'replicate', label: 'replicate: delete markers travel, behind a brake' },
];
const PROTECTION = [
  { value: 'versions', label: 'versions: replicas keep their versions' },
  { value: 'locks', label: 'locks: also the retentions and holds of the source' },
  { value: 'governance', label: 'governance: a vault that its owner can open' },
  { value: 'compliance', label: 'compliance: a vault that nobody can open' },
];

export const isVault = (protection: string): boolean => ['governance', 'compliance'].includes(protection);

/** The longest retention that the role may set. A vault must lock for fewer days. */
const LONGEST_RETENTION_DAYS = DEFAULT_MAX_RETENTION_DAYS;

const DEFAULT_NAME = 's3-replicator';

const MAXIMUM_BUCKET_NAME_LENGTH = 63;
const REPLICA = '-replica';

const kmsKey = orNone(matching(KMS_KEY_ARN, 'the ARN of a KMS key (no alias), or none'));

/** The questions in the order in which they are asked. */
export const QUESTIONS: readonly Question[] = [
  {
    flag: 'source',
    value: 'BUCKET',
    message: 'Which bucket is replicated?',
    check: bucket,
    proposed: () => null,
  },
  {
    flag: 'region',
    value: 'REGION',
    message: 'Which region is the source bucket in?',
    check: matching(REGION, 'a region like us-east-1'),
    seen: ({ source }) => source?.region ?? null,
    proposed: () => 'us-east-1',
  },
  {
    flag: 'prefix',
    value: 'PREFIX',
    message: 'Which objects? Keys begin with (nothing: all)',
    check: (answer) => (answer.includes('${') ? 'takes no ${' : null),
    proposed: () => '',
  },
  {
    flag: 'destination-account',
    value: 'ACCOUNT',
    message: 'Which account receives the replicas?',
    check: matching(ACCOUNT, '12 digits'),
    proposed: () => null,
  },
  {
    flag: 'destination',
    value: 'BUCKET',
    message: 'Which bucket receives the replicas?',
    check: bucket,
    proposed: ({ answers: { source } }) =>
      `${source.slice(0, MAXIMUM_BUCKET_NAME_LENGTH - REPLICA.length)}${REPLICA}`,
  },
  {
    flag: 'destination-region',
    value: 'REGION',
    message: 'Which region is that bucket in?',
    check: matching(REGION, 'a region like us-east-1'),
    seen: ({ destination }) => destination?.region ?? null,
    proposed: ({ answers: { region } }) => region,
  },
  {
    flag: 'create-bucket',
    ...among(YES_NO),
    message: 'Is that bucket to be created?',
    seen: ({ destination }) => (destination?.exists === true ? 'no' : null),
    proposed: () => 'yes',
  },
  {
    flag: 'versions',
    ...among(VERSIONS),
    message: 'Which versions are replicated?',
    proposed: ({ source }) => (source?.versioning === 'never' ? 'latest' : 'all'),
  },
  {
    flag: 'deletes',
    ...among(DELETES),
    message: 'What happens to deletes?',
    proposed: () => 'ignore',
  },
  {
    flag: 'protection',
    ...among(PROTECTION),
    message: 'How are replicas protected?',
    proposed: ({ source }) => (source?.hasObjectLock === true ? 'locks' : 'versions'),
  },
  {
    flag: 'retention-days',
    value: 'DAYS',
    message: 'How many days does the vault lock each version?',
    check: (answer) =>
      /^\d+$/.test(answer) && Number(answer) >= 1 && Number(answer) < LONGEST_RETENTION_DAYS
        ? null
        : `takes a whole number from 1 to ${LONGEST_RETENTION_DAYS - 1}`,
    arises: ({ answers: { protection } }) => isVault(protection),
    proposed: () => '35',
  },
  {
    flag: 'source-kms-key',
    value: 'ARN|none',
    message: 'Which KMS key are the source objects encrypted with?',
    check: kmsKey,
    seen: ({ source }) => (source?.kmsKey != null && kmsKey(source.kmsKey) === null ? source.kmsKey : null),
    proposed: () => NONE,
  },
  {
    flag: 'destination-kms-key',
    value: 'ARN|none',
    message: 'Which KMS key encrypts the replicas?',
    check: kmsKey,
    proposed: () => NONE,
  },
  {
    flag: 'alarm-email',
    value: 'EMAIL|none',
    message: 'Which address receives the alarms?',
    check: orNone(matching(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'an email address, or none')),
    proposed: () => NONE,
  },
  {
    flag: 'external-id',
    value: 'ID',
    message: 'Which external id do both accounts agree on?',
    check: matching(EXTERNAL_ID, '2 to 1,224 letters, digits and _+=,.@:/-'),
    isAsked: false,
    proposed: ({ random }) => random,
  },
  {
    flag: 'name',
    value: 'NAME',
    message: 'What is the stack called?',
    check: matching(STACK_NAME_PART, 'letters, digits and hyphens, with a letter first'),
    isAsked: false,
    proposed: () => DEFAULT_NAME,
  },
];
