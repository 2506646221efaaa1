/**
 * The actions of AWS that each command of the command line uses. tests/e2e/people-permissions.test.ts runs each command with only the
 * permissions of its row, and then once for each of these permissions, without that one.
 */

/**
 * The people who run a command. `read-only` people change nothing, operators also change the work in progress, and deployers change the
 * stack.
 */
export type Person = 'deployer' | 'operator' | 'read-only';

/** The resources that a row can name. Each is one resource, or all resources whose names begin in the same way. */
export type Place =
  | 'account'
  | 'all alarms'
  | 'all functions'
  | 'all policies'
  | 'all queues'
  | 'all roles'
  | 'all tables'
  | 'all topics'
  | 'arrivals'
  | 'attached policies'
  | 'backfill function'
  | 'bounded roles'
  | 'circuits'
  | 'code'
  | 'code bucket'
  | 'dashboard'
  | 'dead letters'
  | 'event rules'
  | 'inspect function'
  | 'key'
  | 'live queue'
  | 'logs'
  | 'mappings'
  | 'new mappings'
  | 'own mappings'
  | 'passed roles'
  | 'replicate mappings'
  | 'replicate function'
  | 'report bucket'
  | 'runs'
  | 'sources'
  | 'stack'
  | 'stack bucket'
  | 'stamp key'
  | 'transfers'
  | 'waiting queues';

export interface CommandRow {
  person: Person;
  /** The actions on each resource. Empty if the command makes no call that needs a permission. */
  needs: Needs;
  /** Additional actions of the command if an operator runs it. For other people, the command says that this part is left out. */
  operatorNeeds?: Needs;
}

export type Needs = Partial<Record<Place, readonly string[]>>;

const START_RUN = {
  // The estimate lists a sample of the source.
  sources: ['s3:ListBucket', 's3:ListBucketVersions'],
  runs: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:GetItem'],
  'backfill function': ['lambda:InvokeFunction'],
};
const READ_LETTERS = [
  'sqs:GetQueueUrl',
  'sqs:GetQueueAttributes',
  'sqs:ReceiveMessage',
  'sqs:ChangeMessageVisibility',
];
/** The function sends the letters on, and counts those of runs. */
const REMOVE_LETTERS: CommandRow = {
  person: 'operator',
  needs: {
    'dead letters': [...READ_LETTERS, 'sqs:DeleteMessage'],
    'replicate function': ['lambda:InvokeFunction'],
  },
};
const READ_WAITING = {
  'live queue': ['sqs:GetQueueUrl'],
  'waiting queues': ['sqs:GetQueueAttributes'],
  circuits: ['dynamodb:GetItem'],
};
/** The state of the deployment, which `status` and `doctor` show. */
const READ_STATE = {
  'all queues': ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'],
  circuits: ['dynamodb:GetItem'],
  runs: ['dynamodb:Query', 'dynamodb:GetItem', 'dynamodb:BatchGetItem'],
  transfers: ['dynamodb:Scan'],
  account: ['cloudwatch:GetMetricData', 'cloudwatch:DescribeAlarms'],
};
const NOTHING: CommandRow = { person: 'read-only', needs: {} };

/** All commands. `--local` needs more, which docs/backfill.md lists, because it reads objects. */
export const COMMAND_ROWS: Readonly<Record<string, CommandRow>> = {
  'backfill start': { person: 'operator', needs: START_RUN },
  'backfill status': { person: 'read-only', needs: { runs: ['dynamodb:GetItem', 'dynamodb:Query'] } },
  'backfill list': {
    person: 'read-only',
    needs: { runs: ['dynamodb:Query', 'dynamodb:BatchGetItem', 'dynamodb:GetItem'] },
  },
  'backfill pause': { person: 'operator', needs: { runs: ['dynamodb:GetItem', 'dynamodb:UpdateItem'] } },
  'backfill resume': {
    person: 'operator',
    needs: {
      runs: ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:Query'],
      'backfill function': ['lambda:InvokeFunction'],
    },
  },
  'backfill set': {
    person: 'operator',
    needs: {
      runs: ['dynamodb:GetItem'],
      account: ['lambda:ListEventSourceMappings'],
      'replicate mappings': ['lambda:UpdateEventSourceMapping'],
    },
  },
  'backfill cancel': {
    person: 'operator',
    needs: { runs: ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem'] },
  },
  'brake status': { person: 'read-only', needs: { runs: ['dynamodb:Query'] } },
  'brake release': { person: 'operator', needs: { runs: ['dynamodb:Query', 'dynamodb:UpdateItem'] } },
  build: NOTHING,
  completion: NOTHING,
  'config check': NOTHING,
  'config destination': NOTHING,
  // Only deployers may run this command, because the item also contains the private key.
  'config key': { person: 'deployer', needs: { 'stamp key': ['dynamodb:GetItem'] } },
  'config policy': NOTHING,
  'config schema': NOTHING,
  doctor: {
    person: 'read-only',
    needs: {
      ...READ_STATE,
      logs: ['logs:FilterLogEvents'],
      stack: [
        'cloudformation:DescribeStacks',
        'cloudformation:ListStackResources',
        'cloudformation:GetTemplate',
      ],
      'all roles': ['iam:GetRole', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies'],
      'all policies': ['iam:GetPolicy', 'iam:GetPolicyVersion'],
      'all functions': [
        'lambda:GetFunctionConfiguration',
        'lambda:GetFunctionConcurrency',
        'lambda:GetFunctionRecursionConfig',
        'lambda:GetPolicy',
      ],
      mappings: ['lambda:GetEventSourceMapping'],
      'all topics': ['sns:GetTopicAttributes', 'sns:ListSubscriptionsByTopic'],
      'report bucket': ['s3:ListBucket'],
      'event rules': ['events:DescribeRule', 'events:ListTargetsByRule'],
      sources: [
        's3:ListBucket',
        's3:GetBucketVersioning',
        's3:GetBucketNotification',
        's3:GetBucketPolicy',
        's3:GetEncryptionConfiguration',
        's3:GetLifecycleConfiguration',
        's3:GetBucketRequestPayment',
        's3:GetBucketOwnershipControls',
      ],
      account: [...READ_STATE.account, 'lambda:GetAccountSettings', 's3:ListAllMyBuckets'],
    },
    operatorNeeds: {
      'inspect function': ['lambda:InvokeFunction'],
      'backfill function': ['lambda:InvokeFunction'],
    },
  },
  'dlq check': {
    person: 'operator',
    needs: { 'dead letters': READ_LETTERS, 'inspect function': ['lambda:InvokeFunction'] },
  },
  'dlq list': { person: 'read-only', needs: { 'dead letters': READ_LETTERS } },
  'dlq redrive': REMOVE_LETTERS,
  'dlq discard': REMOVE_LETTERS,
  // The command reads dead letters only if the function knows one about the object.
  explain: {
    person: 'operator',
    needs: { 'inspect function': ['lambda:InvokeFunction'], 'dead letters': READ_LETTERS },
    operatorNeeds: { logs: ['logs:FilterLogEvents'], runs: ['dynamodb:Query', 'dynamodb:BatchGetItem'] },
  },
  // Each page of the console runs one of the other commands, with the permissions of that command.
  console: NOTHING,
  // A copy needs permissions on the buckets that a person names. It asks nothing of the stack.
  copy: NOTHING,
  init: NOTHING,
  status: {
    person: 'read-only',
    needs: { ...READ_STATE, arrivals: ['dynamodb:GetItem'], logs: ['logs:FilterLogEvents'] },
  },
  logs: { person: 'read-only', needs: { logs: ['logs:FilterLogEvents'] } },
  'transfers list': { person: 'read-only', needs: { transfers: ['dynamodb:Scan'] } },
  'verify start': { person: 'operator', needs: START_RUN },
  'waiting list': { person: 'read-only', needs: READ_WAITING },
  'waiting retry': {
    person: 'operator',
    needs: {
      ...READ_WAITING,
      circuits: ['dynamodb:GetItem', 'dynamodb:UpdateItem'],
      'waiting queues': ['sqs:GetQueueAttributes', 'sqs:ReceiveMessage', 'sqs:DeleteMessage'],
      'replicate function': ['lambda:InvokeFunction'],
    },
  },
};

/** Returns the permissions that a person needs. An operator may also run the commands of read-only people. */
export const needsOf = (person: Exclude<Person, 'deployer'>): Needs[] =>
  Object.values(COMMAND_ROWS).flatMap((row) => {
    if (person === 'read-only') return row.person === 'read-only' ? [row.needs] : [];
    return row.person === 'deployer' ? [] : allNeedsOf(row);
  });

export const allNeedsOf = ({ needs, operatorNeeds = {} }: CommandRow): Needs[] => [needs, operatorNeeds];
