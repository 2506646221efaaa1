import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { isActive } from '../../src/lib/runs/run.ts';
import { createRunCommands, type RunCommands } from './run-commands.ts';

const keys = (count: number, begin = 0): Record<string, string[]> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`in/${String(begin + index).padStart(5, '0')}`, ['v1']]),
  );

const START = ['backfill', 'start', '--rule', 'rule'];
const runsOf = ({ world }: RunCommands) => [...world.store.runs.values()];

test('backfill start shows an estimate and asks, and the answer no starts nothing', async () => {
  using commands = createRunCommands({ source: keys(10), replica: {} });
  const { code, out, err } = await commands.cli(START, { answers: ['n'] });
  expect(code).toBe(1);
  expect(commands.questions).toEqual(['Start? [y/N] ']);
  expect(out).toContain('from s3://source/*\n  to   s3://replica/* (eu-central-1)');
  expect(out).toContain('10 keys, 20 B (all of the source was listed)');
  expect(out).toMatch(/requests {2}list \d+, get 10, put 10, head 10, queue \d+, table \d+, invocations \d+/);
  expect(out).toMatch(/cost {6}.*: s3 .*, sqs .*, lambda .*, dynamodb .*, transfer /);
  expect(err).toContain('Nothing was started.');
  expect(runsOf(commands)).toEqual([]);
});

test('the answer yes starts one run for each destination, with its estimate, and the output says how to follow it', async () => {
  using commands = createRunCommands({ source: keys(10), replica: {} });
  const { code, out, err } = await commands.cli(START, { answers: ['y'] });
  const [run] = runsOf(commands);
  expect(code).toBe(0);
  expect(run).toMatchObject({ phase: 'comparing', estimate: { keys: 10, basis: 'listing' } });
  expect(out).toContain(`Run ${run?.id} has begun.`);
  expect(err).toContain(`npx s3-replicator backfill status ${run?.id}`);
});

test('without a terminal and without --yes, backfill start starts nothing and names the next step', async () => {
  using commands = createRunCommands({ source: keys(10), replica: {} });
  const { code, err } = await commands.cli(START);
  expect(code).toBe(2);
  expect(err).toContain('No terminal to ask on');
  expect(err).toMatch(/\nfix: .*--yes/);
  expect(runsOf(commands)).toEqual([]);
});

test('backfill start --wait waits until the run ends, and shows the estimate next to the actual use', async () => {
  using commands = createRunCommands({ source: keys(40), replica: keys(25) });
  const { code, out, err } = await commands.cli([...START, '--yes', '--wait']);
  expect(out).toContain('The destination holds all 40 keys of the source.');
  expect(out).toMatch(/FIRST LOOK +LAST LOOK/);
  expect(out).toMatch(/missing at the destination +15 +0\n/);
  expect(out).toMatch(/ESTIMATE +USED/);
  expect(out).toMatch(/ keys +40 +15\n/);
  expect(out).toContain('15 keys worked on: ');
  expect(err).not.toContain('\u001b');
  expect(code).toBe(0);
  expect(Object.keys(commands.world.replica)).toHaveLength(40);
});

test('while a command waits at a terminal, a bar shows the progress, the rate and the time left', async () => {
  using commands = createRunCommands({ source: keys(60), replica: {} });
  commands.pace.steps = 3;
  const seen: string[] = [];
  const stderr = { isTTY: true, write: (text: string) => seen.push(text) };
  await commands.cli([...START, '--yes', '--wait'], { io: { stderr } });
  const drawn = seen.filter((text) => text.includes('copying: '));
  expect(drawn.length).toBeGreaterThan(2);
  expect(stripVTControlCharacters(drawn.at(-1) ?? '').replaceAll('\n', '')).toMatch(
    /^\d{8}-\d{6}-\w{6} \[[#-]{20}\] \d+ % copying: \d+ of 60 keys, [\d.]+ \w+ of 120 B, [\d.]+\/s(, [\dhms ]+ left)?, 0 failed(, waits for .*)?$/,
  );
  expect(seen.join('')).toContain(' left');
});

test('while a command waits without a terminal, it prints a plain line now and then', async () => {
  using commands = createRunCommands({ source: keys(60), replica: {} });
  commands.pace.steps = 3;
  const { err } = await commands.cli([...START, '--yes', '--wait']);
  expect(err).toMatch(/^\d{8}-\d{6}-\w{6} .*comparing: \d+ of \d+ keys, .*, \d+ to do \(.*\)/m);
  expect(err).not.toContain('\r');
});

test('Ctrl-C ends the waiting but not the run, and the note says how to follow the run', async () => {
  using commands = createRunCommands({ source: keys(60), replica: {} });
  const controller = new AbortController();
  const sleep = async (): Promise<void> => controller.abort();
  const { code, err } = await commands.cli([...START, '--yes', '--wait'], {
    io: { interrupted: controller.signal, sleep },
  });
  const [run] = runsOf(commands);
  expect(code).toBe(130);
  expect(run !== undefined && isActive(run)).toBe(true);
  expect(err).toContain(
    `note: the run continues. To see its progress: npx s3-replicator backfill status ${run?.id}`,
  );
});

test('backfill start --json prints the result of the run, and texts for people go to standard error', async () => {
  using commands = createRunCommands({ source: keys(5), replica: {} });
  const { code, out } = await commands.cli([...START, '--yes', '--wait', '--json']);
  expect(code).toBe(0);
  const { runs } = JSON.parse(out);
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({
    phase: 'finished',
    compared: { keys: 5, missing: 5 },
    checked: { keys: 5, same: 5 },
    copied: { done: 5 },
    estimate: { keys: 5 },
    used: { keys: 5 },
  });
  expect(runs[0]).not.toHaveProperty('tick');
});

test('a second run over the same keys is refused with the id of the first run', async () => {
  using commands = createRunCommands({ source: keys(5), replica: {} });
  await commands.cli([...START, '--yes']);
  const { code, err } = await commands.cli([...START, '--yes', '--prefix', 'in/']);
  expect(code).toBe(1);
  expect(err).toContain(`Refused: run ${runsOf(commands)[0]?.id} over the same keys is not over`);
});

test('a dry run changes nothing, shows the keys that would be replicated, and exits with 0', async () => {
  using commands = createRunCommands({ source: keys(12), replica: keys(5) });
  const { code, out } = await commands.cli([...START, '--dry-run']);
  expect(code).toBe(0);
  expect(out).toContain('12 keys, 24 B');
  expect(out).toContain('7 of 12 keys of the source are missing or different at the destination.');
  expect(Object.keys(commands.world.replica)).toHaveLength(5);
  expect(runsOf(commands)[0]?.spec).toMatchObject({ kind: 'verify', repair: false });
});

test('backfill start --estimate none asks without an estimate', async () => {
  using commands = createRunCommands({ source: keys(3), replica: {} });
  const { out } = await commands.cli([...START, '--yes', '--estimate', 'none']);
  expect(out).not.toContain('requests');
  expect(runsOf(commands)[0]?.estimate).toBeNull();
});

test('a source that may not be listed is reported before a run is started', async () => {
  using commands = createRunCommands({ source: keys(3), replica: {} });
  commands.world.broken.source = new ReplicationError(
    'access-denied',
    'ListObjectsV2 in source bucket source: AccessDenied',
  );
  const { code, err } = await commands.cli([...START, '--yes']);
  expect(code).toBe(1);
  expect(err).toContain('Access denied: ListObjectsV2 in source bucket source');
  expect(runsOf(commands)).toEqual([]);
});

test('a run that fails exits with 1 and shows its reason and its fix', async () => {
  using commands = createRunCommands({ source: keys(3), replica: {} });
  commands.world.broken.source = new ReplicationError('no-such-bucket', 'the bucket is gone');
  const { code, out } = await commands.cli([...START, '--yes', '--wait', '--estimate', 'none']);
  expect(code).toBe(1);
  expect(out).toContain('failed while comparing');
  expect(out).toContain('no-such-bucket: the bucket is gone\n    Create the bucket');
});

test('runs can be listed, shown, paused, resumed and cancelled', async () => {
  using commands = createRunCommands({ source: keys(30), replica: {} });
  await commands.cli([...START, '--yes']);
  const id = runsOf(commands)[0]?.id ?? '';
  const { out: list } = await commands.cli(['backfill', 'list']);
  expect(list).toMatch(/^RUN +PHASE +DONE +AGE +TOOK +KEYS +DIFFERENT +WHAT\n/);
  expect(list).toMatch(new RegExp(`\n${id} +comparing .* backfill of rule to replica\n$`));

  expect((await commands.cli(['backfill', 'pause', id])).out).toBe(
    `Run ${id} is now paused: backfill of rule to replica\n`,
  );
  expect((await commands.cli(['backfill', 'status', id])).out).toContain('paused while comparing');
  expect((await commands.cli(['backfill', 'resume', id, '--json'])).out).toContain('"phase": "comparing"');
  expect((await commands.cli(['backfill', 'cancel', id])).code).toBe(0);
  const { code, err } = await commands.cli(['backfill', 'resume', id]);
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining(`run ${id} is cancelled`) });
  const { out: status } = await commands.cli(['backfill', 'status', id, '--json']);
  expect(JSON.parse(status)).toMatchObject({ id, phase: 'cancelled', copied: { done: 0 } });
});

test.each(['status', 'pause', 'resume', 'cancel'])(
  'backfill %s of a run that does not exist says so',
  async (command) => {
    using commands = createRunCommands({ source: {}, replica: {} });
    const { code, err } = await commands.cli(['backfill', command, '20261122-000000-bcdfgh']);
    expect(code).toBe(1);
    expect(err).toContain('there is no run 20261122-000000-bcdfgh');
    expect((await commands.cli(['backfill', command])).err).toContain(
      `\`s3-replicator backfill ${command}\` needs RUN`,
    );
  },
);

test.each([
  [['backfill', 'start'], '--rule is missing: give the id of one of the deployed rules (rule)'],
  [[...START, '--destination', 'x'], '--destination'],
  [[...START, '--since', 'yesterday'], '--since is "yesterday"'],
  [
    [...START, '--versions', 'all'],
    '--versions is "all", but rule "rule" replicates only the latest version',
  ],
  [['verify', 'start', '--rule', 'rule', '--concurrency', '4'], '--concurrency needs --local'],
  [[...START, '--estimate', 'guess'], '--estimate takes sample, full or none, not "guess".'],
  [
    ['verify', 'start', '--rule', 'rule', '--local', '--concurrency', '0'],
    '--concurrency takes a whole number from 1 to 256',
  ],
  [['backfill', 'status', 'one', 'two'], 'takes no argument "two"'],
  [
    ['verify', 'start', '--rule', 'rule', '--delete-extra'],
    '--delete-extra changes the destination: a verify also needs --repair',
  ],
  [['verify', 'start', '--rule', 'rule', '--repair', '--local'], '--repair cannot be combined with --local'],
])('%j is refused with exit code 2 and starts nothing', async (argv, message) => {
  using commands = createRunCommands({ source: keys(1), replica: {} });
  const { code, out, err } = await commands.cli(argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(message);
  expect(runsOf(commands)).toEqual([]);
});

test('Ctrl-C while S3 throttles the estimate ends it, and starts nothing', async () => {
  using commands = createRunCommands({ source: keys(20), replica: {} });
  commands.world.broken.source = new ReplicationError('throttled', 'SlowDown');
  const controller = new AbortController();
  let sleeps = 0;
  const sleep = async (): Promise<void> => {
    sleeps += 1;
    if (sleeps === 3) controller.abort();
    if (sleeps > 100) throw new Error('it keeps asking');
  };
  const { code } = await commands.cli([...START, '--yes'], { io: { interrupted: controller.signal, sleep } });
  expect(code).toBe(130);
  expect(sleeps).toBeLessThan(20);
  expect(runsOf(commands)).toEqual([]);
});
