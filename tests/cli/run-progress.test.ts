/** What the commands say about runs at work, and about runs that are in the way. */
import { expect, test } from 'vitest';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import { textWidth } from '../../src/cli/terminal/width.ts';
import { createRunCommands, type RunCommands } from './run-commands.ts';

const keys = (count: number): Record<string, string[]> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`in/${index}`, ['v1']]));

const START = ['backfill', 'start', '--rule', 'rule', '--yes'];
const idsOf = ({ world }: RunCommands): string[] => [...world.store.runs.keys()];

/** Starts a run, and lets it make progress until at least twenty of its keys are copied. */
const copyingRun = async (): Promise<RunCommands & { id: string }> => {
  const commands = createRunCommands({ source: keys(60), replica: {} });
  await commands.cli(START);
  const [id = ''] = idsOf(commands);
  for (let step = 0; step < 200; step += 1) {
    const { done } = await commands.world.store.copied(id);
    if (done >= 20) break;
    await commands.world.step();
  }
  return { ...commands, id };
};

test('backfill status says how far a run is by keys and bytes, how fast, since when it moved, and what it waits for', async () => {
  const commands = await copyingRun();
  const { out } = await commands.cli(['backfill', 'status', commands.id]);
  expect(out).toMatch(/\n {2}2\d of 60 \(\d+ %\) keys, \d+ B of 120 B \(\d+ %\)\n/);
  expect(out).toMatch(
    /\n {2}(last activity \S+ ago|nothing has moved yet); waits for \d\d keys, checked every minute\n/,
  );
  const { out: json } = await commands.cli(['backfill', 'status', commands.id, '--json']);
  expect(JSON.parse(json).progress).toMatchObject({
    keys: { total: 60 },
    bytes: { total: 120 },
    waitsFor: { what: 'keys' },
    nextCheck: null,
  });
  commands[Symbol.dispose]();
});

test('backfill status says when a run that stands still is compared', async () => {
  const commands = await copyingRun();
  const { store, clock } = commands.world;
  const run = await store.load(commands.id);
  await store.change(run!, { still: { progress: '', sinceMs: clock.now() - 60_000 } });
  const time = (ms: number): string => `${new Date(clock.now() + ms).toISOString().slice(11, 19)}Z`;
  const soon = await commands.cli(['backfill', 'status', commands.id]);
  expect(soon.out).toContain(`last activity 1m ago; waits for`);
  expect(soon.out).toContain(`if none ends, both sides are compared from ${time(60_000)} on`);
  const at = time(29 * 60_000);
  await clock.sleep(61_000);
  const later = await commands.cli(['backfill', 'status', commands.id]);
  expect(later.out).toContain(`compared from ${at} on`);
  commands[Symbol.dispose]();
});

test('backfill status --wait attaches to a run again, and exits as backfill start --wait does', async () => {
  const commands = await copyingRun();
  const { code, out, err } = await commands.cli(['backfill', 'status', commands.id, '--wait']);
  expect(err).toContain(`${commands.id} [`);
  expect(out).toContain('The destination holds all 60 keys of the source.');
  expect(code).toBe(0);
  commands[Symbol.dispose]();
});

test('Ctrl-C ends the waiting of backfill status --wait', async () => {
  const commands = await copyingRun();
  const controller = new AbortController();
  const io = { interrupted: controller.signal, sleep: async () => controller.abort() };
  const { code, err } = await commands.cli(['backfill', 'status', commands.id, '--wait'], { io });
  expect({ code, err }).toMatchObject({ code: 130, err: expect.stringContaining('the run continues') });
  commands[Symbol.dispose]();
});

test('backfill list chooses runs by rule, destination, kind, phase and time, and a dry run is listed as one', async () => {
  using commands = createRunCommands({ source: keys(5), replica: {} });
  await commands.cli([...START, '--dry-run', '--estimate', 'none']);
  await commands.world.clock.sleep(3_600_000);
  await commands.cli([...START, '--estimate', 'none']);
  const [dry = '', real = ''] = idsOf(commands);
  const listed = async (...argv: string[]): Promise<string[]> =>
    JSON.parse((await commands.cli(['backfill', 'list', '--json', ...argv])).out).map(
      ({ id }: { id: string }) => id,
    );
  expect(await listed()).toEqual([real, dry]);
  expect(await listed('--kind', 'dry-run')).toEqual([dry]);
  expect(await listed('--kind', 'verify')).toEqual([]);
  expect(await listed('--phase', 'active')).toEqual([real]);
  expect(await listed('--phase', 'finished', '--rule', 'rule', '--destination', 'replica')).toEqual([dry]);
  expect(await listed('--rule', 'other')).toEqual([]);
  expect(await listed('--since', '30m')).toEqual([real]);
  const { out } = await commands.cli(['backfill', 'list']);
  expect(out).toContain('dry run of a backfill of rule to replica\n');
  expect((await commands.cli(['backfill', 'list', '--phase', 'x'])).err).toContain('--phase takes active, ');
});

test.each(['failed', 'paused'] as const)(
  'a run that is refused because of a %s run says how to end that one',
  async (phase) => {
    using commands = createRunCommands({ source: keys(3), replica: {} });
    await commands.cli([...START, '--estimate', 'none']);
    const [id = ''] = idsOf(commands);
    if (phase === 'failed') {
      commands.world.broken.source = new ReplicationError('no-such-bucket', 'the bucket is gone');
      for (let step = 0; step < 20; step += 1) await commands.world.step();
    } else await commands.cli(['backfill', 'pause', id]);
    const { code, err } = await commands.cli([...START, '--estimate', 'none']);
    expect(code).toBe(1);
    expect(err).toContain(
      `run ${id} over the same keys is ${phase}: resume or cancel it (\`backfill resume ${id}\``,
    );
    expect((await commands.cli(['backfill', 'status', id])).out).toContain(`${phase}: resume or cancel it`);
  },
);

test.each([60, 80, 120])('the texts about runs fit %i columns', async (columns) => {
  const commands = await copyingRun();
  for (const argv of [['list'], ['status', commands.id]]) {
    const { out } = await commands.cli(['backfill', ...argv], { io: { columns } });
    for (const line of out.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(columns);
  }
  commands[Symbol.dispose]();
});

test('backfill set changes the concurrency of runs, and says so if the run is over', async () => {
  using commands = createRunCommands({ source: keys(3), replica: {} });
  await commands.cli([...START, '--estimate', 'none']);
  const [id = ''] = idsOf(commands);
  const set = (...argv: string[]) => commands.cli(['backfill', 'set', id, ...argv]);
  expect(await set('--dry-run')).toMatchObject({ code: 0, out: expect.stringContaining('At most 50 ') });
  expect(commands.pace.concurrency).toBe(50);
  expect((await set('--concurrency', '5')).out).toBe(
    'At most 5 invocations copy for the runs of this stack at once (before: 50).\n',
  );
  expect(JSON.parse((await set('--concurrency', '7', '--json')).out)).toEqual({
    run: id,
    before: 5,
    concurrency: 7,
    limits: { requestsPerSecond: null, bytesPerSecond: null, hours: null },
  });
  expect((await set()).err).toContain('Give what to change: --concurrency, --max-requests-per-second');
  expect((await set('--concurrency', '1')).err).toContain(
    '--concurrency takes a whole number from 2 to 1000',
  );
  await commands.cli(['backfill', 'cancel', id]);
  const after = await set('--concurrency', '9');
  expect(after).toMatchObject({ code: 0, err: expect.stringContaining('holds for other runs of the stack') });
});

test('a run is started with limits, shows them and what it waits for, and backfill set changes them', async () => {
  using commands = createRunCommands(
    { source: keys(3), replica: {} },
    { rule: '    limits: { maxBytesPerSecond: 50MB }\n' },
  );
  const hours = ['--hours', '01:00-02:00', '--max-requests-per-second', '200'];
  await commands.cli([...START, '--estimate', 'none', ...hours]);
  const [id = ''] = idsOf(commands);
  const shown = await commands.cli(['backfill', 'status', id]);
  expect(shown.out).toContain('at most 200 requests/s, at most 47.7 MiB/s, from 01:00 to 02:00 UTC');
  expect(shown.out).toContain('waits for its hours, which begin at 2026-11-23T01:00Z');
  const set = (...argv: string[]) => commands.cli(['backfill', 'set', id, ...argv]);
  expect((await set('--hours', 'none', '--max-bytes-per-second', 'none')).out).toBe(
    `Run ${id}: at most 200 requests/s.\n`,
  );
  expect((await commands.cli(['backfill', 'status', id])).out).not.toContain('waits for its hours');
  const wrong = await set('--max-requests-per-second', '9', '--hours', '1-2', '--time-zone', 'Mars');
  for (const words of ['takes a whole number from 10 to', 'takes hours like', 'takes a time zone like'])
    expect(wrong.err).toContain(words);
});
