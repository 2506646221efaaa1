import { expect, test } from 'vitest';
import { createRunCommands } from './run-commands.ts';

const VERIFY = ['verify', 'start', '--rule', 'rule'];
const DELETES = '    deletes: replicate\n';

test('verify start exits with 0 if both sides agree and with 1 if they differ', async () => {
  using equal = createRunCommands({ source: { a: ['v1'] }, replica: { a: ['v1'] } });
  expect(await equal.cli([...VERIFY, '--yes', '--wait'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('The destination holds the only key of the source.'),
  });
  using different = createRunCommands({ source: { a: ['v1'], b: ['v1'] }, replica: { a: ['other'] } });
  expect(await different.cli([...VERIFY, '--yes', '--wait'])).toMatchObject({
    code: 1,
    out: expect.stringContaining('2 of 2 keys of the source are missing or different at the destination.'),
  });
  expect(different.world.replica).toEqual({ a: ['other'] });
});

test('verify start --repair replicates the keys that differ', async () => {
  using commands = createRunCommands({ source: { a: ['v1'], b: ['v1'] }, replica: { a: ['other'] } });
  expect((await commands.cli([...VERIFY, '--repair', '--yes', '--wait'])).code).toBe(0);
  expect(commands.world.replica).toEqual({ a: ['v1'], b: ['v1'] });
});

const extra = () =>
  createRunCommands({ source: { a: ['v1'] }, replica: { a: ['v1'], gone: ['v1'] } }, { rule: DELETES });
const DELETE_EXTRA = [...VERIFY, '--repair', '--delete-extra', '--yes'];

test.each([
  ['something else', ['y']],
  ['nothing', []],
])('verify start --delete-extra starts nothing if %s is typed, with or without --yes', async (_, answers) => {
  using commands = extra();
  const { code, err } = await commands.cli(DELETE_EXTRA, { answers });
  expect(code).toBe(1);
  expect(commands.questions).toEqual(['Type replica to continue: ']);
  expect(err).toContain('Not confirmed');
  expect(commands.world.store.runs.size).toBe(0);
});

test('verify start --delete-extra is refused without a terminal', async () => {
  using commands = extra();
  expect(await commands.cli(DELETE_EXTRA)).toMatchObject({
    code: 1,
    err: expect.stringContaining('Not confirmed'),
  });
  expect(commands.world.store.runs.size).toBe(0);
});

test("verify start --delete-extra deletes after the destination bucket's name is typed", async () => {
  using commands = extra();
  const { code } = await commands.cli([...DELETE_EXTRA, '--wait'], { answers: ['replica'] });
  expect(code).toBe(0);
  expect(commands.world.replica).toEqual({ a: ['v1'] });
});

test('verify start --local prints a line for every key that differs, and the verdict', async () => {
  using commands = createRunCommands({
    source: { a: ['v1'], b: ['v1'], 'c\n': ['v1'], 'd 請求書': ['longer'] },
    replica: { a: ['v1'], b: ['v1'], 'd 請求書': ['v1'], e: ['v1'] },
  });
  const { code, out } = await commands.cli([...VERIFY, '--local', '--concurrency', '3']);
  expect(code).toBe(1);
  const [header, ...lines] = out.split('\n');
  expect(header).toBe('DIFFERENCE        SOURCE BYTES  REPLICA BYTES  KEY');
  expect(lines.slice(0, 3).toSorted()).toEqual([
    'different                    6              2  d 請求書',
    'extra                        -              2  e',
    String.raw`missing                      2              -  c\n`,
  ]);
  expect(lines.slice(3)).toEqual([
    '',
    'verify of rule to replica: 2 of 4 keys of the source are missing or different at the destination. 1 key is only at the destination.',
    'The same: 2 by MD5 (ETags).',
    '',
  ]);
});

test('verify start --local --json prints one object a line, with unescaped keys', async () => {
  using commands = createRunCommands({ source: { 'a\n\u202e': ['v1'] }, replica: {} });
  const { code, out, err } = await commands.cli([...VERIFY, '--local', '--json']);
  expect(code).toBe(1);
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([
    {
      rule: 'rule',
      destination: 'replica',
      key: 'a\n\u202e',
      difference: 'missing',
      source: { versionId: '1', sizeBytes: 2, etag: '"6654c734ccab8f440ff0825eb443dc7f"' },
      replica: null,
      reason: null,
    },
  ]);
  expect(err).toContain('1 of 1 key of the source is missing');
});

test('verify start --local shows keys that are only at the destination, and exits with 0 if nothing else differs', async () => {
  using commands = createRunCommands({ source: { a: ['v1'] }, replica: { a: ['v1'], b: ['v1'] } });
  const { code, out } = await commands.cli([...VERIFY, '--local']);
  expect(code).toBe(0);
  expect(out).toContain('extra');
  expect(out).toContain(
    'The destination holds the only key of the source. 1 key is only at the destination.',
  );
});

test('verify start --local needs no stack and starts no run', async () => {
  using commands = createRunCommands({ source: { a: ['v1'] }, replica: { a: ['v1'] } });
  commands.ports.runs = () => {
    throw new Error('asked for runs');
  };
  expect((await commands.cli([...VERIFY, '--local'])).code).toBe(0);
});

test('verify start --local that is interrupted does not report that both sides agree', async () => {
  using commands = createRunCommands({
    source: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, ['v1']])),
    replica: {},
  });
  const controller = new AbortController();
  const stdout = { write: () => controller.abort() };
  const { code, err } = await commands.cli([...VERIFY, '--local', '--concurrency', '1'], {
    io: { interrupted: controller.signal, stdout },
  });
  expect(code).toBe(130);
  expect(err).toContain('not everything was compared');
});

test('verify start --attributes all is part of the title of the run and its estimate, and compares attributes', async () => {
  const keys = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`k${index}`, ['v1']]));
  using commands = createRunCommands({ source: keys, replica: structuredClone(keys) });
  const { code, out } = await commands.cli([
    'verify',
    'start',
    '--rule',
    'rule',
    '--attributes',
    'all',
    '--yes',
    '--wait',
  ]);
  expect(out).toContain('verify of rule to replica, with all attributes');
  expect(out).toMatch(/requests: head +20 +20\n/);
  expect(out).toMatch(/requests: get +20 +20\n/);
  expect(code).toBe(0);
  const local = await commands.cli(['verify', 'start', '--rule', 'rule', '--attributes', 'all', '--local']);
  expect(local.code).toBe(0);
});

test('an unknown value of --attributes is refused with the possible values', async () => {
  using commands = createRunCommands({ source: {}, replica: {} });
  const { code, err } = await commands.cli(['verify', 'start', '--rule', 'rule', '--attributes', 'some']);
  expect(code).toBe(2);
  expect(err).toContain('--attributes takes listed or all, not "some".');
});
