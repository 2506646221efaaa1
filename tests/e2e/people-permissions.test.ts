/**
 * Runs each command with only the permissions of its row in src/stack/command-rows.ts. Then runs the command again for each of these
 * permissions, with that permission missing. A new command needs a row there, and a case here if the row is not empty.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { PolicyDocument } from '@s3-replicator/local-aws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { createBrakeStore } from '../../src/lib/aws/dynamodb/brake-store.ts';
import { createGetSigner } from '../../src/lib/aws/dynamodb/stamp-key.ts';
import { formatHint } from '../../src/lib/hint/hint.ts';
import { waitingQueueSuffix } from '../../src/lib/model/rule.ts';
import { allNeedsOf, COMMAND_ROWS, type CommandRow } from '../../src/stack/command-rows.ts';
import { policyOfNeeds } from '../../src/stack/people-policy.ts';
import { type Run, run } from '../cli/run.ts';
import { dropAwsVariables, setAwsVariables } from '../model/aws-variables.ts';
import { sendAs } from './support/queues.ts';
import { drawn } from './support/seed.ts';
import { messagesOf, REGION } from './support/stages/stage.ts';
import { type RunsStage, startRunsStage } from './support/stages/runs.ts';

interface Case {
  /** Prepares something for the command to work on. Resolves to the rest of the command line. */
  prepare?(): Promise<string[]>;
  /** What the command says when it has done its work. */
  says: RegExp;
  /** Whether the command may find problems. It has done its work in that case, too. */
  mayFind?: boolean;
}

let stage: RunsStage;
let folder: string;

beforeAll(async () => {
  stage = await startRunsStage();
  setDefaultCACertificates([...getCACertificates(), stage.aws.caPem]);
  folder = await mkdtemp(join(tmpdir(), 's3-replicator-people-'));
});
afterAll(async () => {
  dropAwsVariables();
  await stage?.stop();
  await rm(folder, { recursive: true });
});

/** Delays the messages of runs. With a delay, a run makes no progress, and does not end by itself. */
const delayRanges = async (seconds: number): Promise<void> => {
  const QueueUrl = stage.aws.sqs.queueUrl(
    `arn:aws:sqs:${REGION}:${SOURCE_ACCOUNT}:${stage.names.rangesQueue}`,
  );
  const Attributes = { DelaySeconds: String(seconds) };
  await stage.source.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
};

const asAdministrator = (): void => {
  setAwsVariables({ endpoint: stage.aws.endpoint, credentials: stage.aws.root(SOURCE_ACCOUNT) });
  process.env['AWS_REGION'] = REGION;
};

const cancelRuns = async (): Promise<void> => {
  const listed = (await stage.invoke({ action: 'list' })) as { runs: { id: string; phase: string }[] };
  for (const { id, phase } of listed.runs)
    if (!['finished', 'failed', 'cancelled'].includes(phase))
      await stage.invoke({ action: 'cancel', run: id });
};

/** Starts the only run. Resolves to its id. */
const aRun = async (): Promise<string> => {
  await cancelRuns();
  await delayRanges(900);
  return (await stage.ask({ kind: 'backfill', rule: 'current' })).id;
};

const aKey = async (): Promise<string[]> => {
  asAdministrator();
  await createGetSigner(stage.names.table, () => undefined)();
  return [];
};

/** This hint has no effect, because its object does not exist. */
const HINT = formatHint({
  bucket: 'current',
  key: 'in/none',
  versionId: null,
  sizeBytes: null,
  kind: 'hint',
  identity: null,
  principalId: null,
  rule: 'current',
  destination: 'current-replica',
  run: null,
});

const aLetter = async (): Promise<string[]> => {
  messagesOf(stage.aws, stage.names.deadLetterQueue).purge();
  await sendAs(stage, { role: stage.names.replicateRole, queue: stage.names.deadLetterQueue, body: HINT });
  return [];
};

const aWaitingMessage = async (): Promise<string[]> => {
  const queue = `${stage.names.waitingQueues}${waitingQueueSuffix({ id: 'current' }, { id: 'current-replica' })}`;
  messagesOf(stage.aws, queue).purge();
  await sendAs(stage, { role: stage.names.replicateRole, queue, body: HINT });
  return ['--rule', 'current'];
};

const aHeldKey = async (): Promise<string[]> => {
  asAdministrator();
  const brake = createBrakeStore(stage.names.runsTable);
  const sinceMs = stage.aws.clock.now();
  await brake.close('current/current-replica', { sinceMs, why: 'a test' });
  await brake.hold('current/current-replica', {
    key: 'in/x',
    heldMs: sinceMs,
    change: 'delete',
    kind: 'delete',
  });
  return ['--rule', 'current'];
};

const withoutId = (prepare: () => Promise<unknown>) => async (): Promise<string[]> => {
  await prepare();
  return [];
};

const withRun =
  (then: (id: string) => Promise<unknown> = async () => null) =>
  async (): Promise<string[]> => {
    const id = await aRun();
    await then(id);
    return [id];
  };

const noRun =
  (...options: string[]) =>
  async (): Promise<string[]> => {
    await cancelRuns();
    await delayRanges(0);
    return options;
  };

/** Two cases: the first compares the current objects and waits for the end, the second compares all versions. */
const START: Case[] = [
  { prepare: noRun('--rule', 'current', '--yes', '--wait'), says: /finished, / },
  { prepare: noRun('--rule', 'history', '--yes'), says: /Run \S+/ },
];

/** What each command works on. A permission is needed if one of the cases fails without it. */
const CASES: Record<string, Case[]> = {
  'backfill start': START,
  'verify start': START,
  'backfill status': [{ prepare: withRun(), says: /comparing/ }],
  'backfill list': [{ prepare: withoutId(aRun), says: /backfill of current/ }],
  'backfill pause': [{ prepare: withRun(), says: /is now paused/ }],
  'backfill resume': [
    {
      prepare: withRun((id) => stage.invoke({ action: 'pause', run: id })),
      says: /is now comparing/,
    },
  ],
  'backfill cancel': [{ prepare: withRun(), says: /is now cancelled/ }],
  'backfill set': [{ prepare: async () => [await aRun(), '--concurrency', '7'], says: /7/ }],
  explain: [
    {
      prepare: async () => (await withoutId(aRun)(), ['s3://current/in/none']),
      says: /in\/none|current/,
    },
  ],
  logs: [{ prepare: async () => ['--rule', 'current'], says: /no line since|current/ }],
  'brake status': [{ says: /current-replica/ }],
  'brake release': [{ prepare: aHeldKey, says: /in\/x/ }],
  'config key': [{ prepare: aKey, says: /^[\w-]{43}\n/ }],
  'dlq check': [{ prepare: aLetter, says: /current/, mayFind: true }],
  'dlq list': [{ prepare: aLetter, says: /1 dead letter/ }],
  'dlq redrive': [
    { prepare: async () => [...(await aLetter()), '--yes'], says: /1 message sent/ },
    { prepare: async () => [...(await aLetter()), '--reason', 'kms', '--yes'], says: /Nothing/ },
  ],
  'dlq discard': [
    {
      prepare: async () => [...(await aLetter()), '--expect', '1', '--export', join(folder, randomUUID())],
      says: /1 /,
    },
    // Messages that do not match become visible again.
    { prepare: async () => [...(await aLetter()), '--reason', 'kms', '--expect', '0'], says: /Nothing/ },
  ],
  doctor: [{ prepare: withoutId(aRun), says: /here/, mayFind: true }],
  status: [{ prepare: withoutId(aRun), says: /RULE/ }],
  'transfers list': [{ says: /No transfers/ }],
  'waiting list': [{ prepare: aWaitingMessage, says: /current-replica/ }],
  'waiting retry': [{ prepare: aWaitingMessage, says: /1 message/ }],
};

/** Permissions without which the cases still succeed, each with the reason. */
const UNSEEN: Record<string, string> = {
  ...Object.fromEntries(
    (COMMAND_ROWS['explain']?.needs['dead letters'] ?? []).map((action) => [
      `explain DeadLetters ${action}`,
      'the queue is read only if the inspect function knows of a letter; `dlq list` reads it in the same way',
    ]),
  ),
  ...Object.fromEntries(
    ['doctor', 'status'].map((name) => [
      `${name} Logs logs:FilterLogEvents`,
      'the logs are searched only after a failure; `logs` searches them in the same way',
    ]),
  ),
  'doctor Account s3:ListAllMyBuckets':
    'it is used only after a refusal, to tell a bucket of another account from a missing permission',
};

/** Runs a command as a person who has only the permissions of this policy. */
const runAs = async (policy: PolicyDocument, name: string, { prepare }: Case): Promise<Run> => {
  const prepared = (await prepare?.()) ?? [];
  const { aws } = stage;
  aws.iam.putRole({
    accountId: SOURCE_ACCOUNT,
    roleName: 'person',
    assumeRolePolicy: {
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: SOURCE_ACCOUNT } }],
    },
    policies: [policy].filter(({ Statement }) => [Statement].flat().length > 0),
  });
  const person = aws.iam.createSession(`arn:aws:iam::${SOURCE_ACCOUNT}:role/person`, 'person', 3_600);
  setAwsVariables({ endpoint: aws.endpoint, credentials: person.credentials });
  const timer = setInterval(() => aws.clock.advance(1_000), 100);
  const words = [...name.split(' '), ...prepared, '--config', stage.replicationFile];
  return await run(words, { ask: async () => 'current', now: () => aws.clock.now() }).finally(() =>
    clearInterval(timer),
  );
};

const policyOf = (row: CommandRow, without: string | null = null): PolicyDocument => {
  const policy = policyOfNeeds(allNeedsOf(row), stage.configuration, SOURCE_ACCOUNT);
  const statements = policy.Statement.map((statement) => ({
    ...statement,
    Action: [statement.Action].flat().filter((action) => `${statement.Sid} ${action}` !== without),
  })).filter(({ Action }) => Action.length > 0);
  return JSON.parse(JSON.stringify({ ...policy, Statement: statements }));
};

const didItsWork = ({ code, out, err }: Run, { says, mayFind = false }: Case): boolean =>
  (code === 0 || mayFind) &&
  says.test(`${out}${err}`) &&
  !/denied|you may not|not readable/i.test(`${out}${err}`);

const needing = Object.entries(COMMAND_ROWS).filter(([, { needs }]) => Object.keys(needs).length > 0);

test('every command that asks AWS has a case in this file', () => {
  expect(Object.keys(CASES).toSorted()).toEqual(needing.map(([name]) => name).toSorted());
});

describe('on a deployed stack', () => {
  const permissions = needing.flatMap(([name, row]) =>
    allNeedsOf(row)
      .flatMap((needs) => Object.entries(needs))
      .flatMap(([place, actions]) =>
        actions.map((action) => ({
          name,
          row,
          permission: `${place.replaceAll(/(?:^| )(\w)/g, (_, letter: string) => letter.toUpperCase())} ${action}`,
        })),
      ),
  );
  test('every permission that is not seen is one of a row', () => {
    const names = permissions.map(({ name, permission }) => `${name} ${permission}`);
    expect(names).toEqual(expect.arrayContaining(Object.keys(UNSEEN)));
  });

  test.each(drawn(needing))('%s does its work with the permissions of its row alone', async (name, row) => {
    for (const each of CASES[name] ?? []) {
      const done = await runAs(policyOf(row), name, each);
      expect(didItsWork(done, each), JSON.stringify(done)).toBe(true);
    }
  });

  const seen = permissions.filter(({ name, permission }) => !(`${name} ${permission}` in UNSEEN));
  test.each(drawn(seen))('$name fails without $permission', async ({ name, row, permission }) => {
    const worked: boolean[] = [];
    for (const each of CASES[name] ?? [])
      worked.push(didItsWork(await runAs(policyOf(row, permission), name, each), each));
    expect(worked).toContain(false);
  });
});
