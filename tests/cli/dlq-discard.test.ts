/** `dlq discard`, which must not lose a letter that is not in its export, whatever ends it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { fill, messagesIn, allVisible, sqs, startQueues, stopQueues } from './redrive-queues.ts';
import { awsEnvironment, putDeadLetter, ROOT, type Run, run } from './run.ts';
import { DEAD } from './scripted-sqs.ts';

let folder: string;
beforeEach(async () => {
  await startQueues();
  folder = mkdtempSync(join(tmpdir(), 'dlq-discard-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await stopQueues();
});

const FILE = 'old.ndjson';
const discard = (argv: string[], io: Partial<CliIo> = {}): Promise<Run> =>
  run(['dlq', 'discard', '--export', join(folder, FILE), ...argv], { now: () => sqs.nowMs, ...io });
const typing = (text: string) => ({ ask: async () => text });
const exported = (): { id: string; body: string; key: string }[] =>
  readFileSync(join(folder, FILE), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const idsLeft = (): Set<string> => new Set(messagesIn(DEAD).map(({ id }) => id));

test('dlq discard deletes the letters that match when their number was typed, and the file has all of each', async () => {
  fill(30);
  const before = messagesIn(DEAD).filter(({ attributes }) => attributes['reason']?.StringValue === 'kms');
  const { code, out, err } = await discard(['--reason', 'kms'], typing('10'));
  expect(err).toContain('To be deleted permanently: 10 dead letters.');
  expect({ code, out }).toEqual({
    code: 0,
    out: `10 of 10 dead letters deleted from ${DEAD}. Export: ${join(folder, FILE)}\n`,
  });
  expect(messagesIn(DEAD)).toHaveLength(20);
  expect(allVisible()).toBe(true);
  const lines = exported();
  expect(new Set(lines.map(({ id }) => id))).toEqual(new Set(before.map(({ id }) => id)));
  expect(lines[0]).toMatchObject({
    reason: 'kms',
    rule: 'invoices',
    body: before.find(({ id }) => id === lines[0]?.id)?.body,
    attributes: { reason: { dataType: 'String', text: 'kms' } },
  });
  expect(statSync(join(folder, FILE)).mode & 0o077).toBe(0);
});

test('the export is complete and closed before the first letter is deleted', async () => {
  fill(25);
  const lengths: number[] = [];
  sqs.script = (operation) => {
    if (operation === 'DeleteMessageBatch') lengths.push(exported().length);
    return undefined;
  };
  await discard(['--expect', '25']);
  expect(lengths).toEqual([25, 25, 25]);
  expect(sqs.forgotten).toHaveLength(25);
});

test('a letter that arrives after the export is not deleted', async () => {
  fill(3);
  const ask = async (): Promise<string> => {
    putDeadLetter(sqs, { key: 'late' });
    return '3';
  };
  expect(await discard([], { ask })).toMatchObject({ code: 0 });
  expect(messagesIn(DEAD).map(({ body }) => JSON.parse(body).key)).toEqual(['late']);
});

test.each([
  { answer: 'y', argv: [], exit: 1, error: 'the text typed is not 3' },
  { answer: '30', argv: [], exit: 1, error: 'the text typed is not 3' },
  { answer: '3', argv: ['--expect', '4'], exit: 1, error: '3 dead letters match, and --expect says 4' },
])(
  'dlq discard $argv with the answer $answer deletes nothing and leaves no file',
  async ({ answer, argv, exit, error }) => {
    fill(3);
    const { code, err } = await discard(argv, typing(answer));
    expect(code).toBe(exit);
    expect(err).toContain(error);
    expect(messagesIn(DEAD)).toHaveLength(3);
    expect(allVisible()).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  },
);

test('dlq discard asks for --expect where there is nobody to ask, and --dry-run needs neither', async () => {
  fill(3);
  const { code, err } = await discard([]);
  expect(code).toBe(2);
  expect(err).toContain('give --expect with the number of messages');
  const dry = await discard(['--dry-run', '--reason', 'kms']);
  expect(dry.out).toContain(`Dry run: 1 dead letter would be deleted from ${DEAD}.`);
  expect(messagesIn(DEAD)).toHaveLength(3);
  expect(readdirSync(folder)).toEqual([]);
});

test('dlq discard does not overwrite a file', async () => {
  fill(1);
  await discard(['--expect', '1']);
  fill(2);
  const { code, err } = await discard(['--expect', '2']);
  expect(code).toBe(1);
  expect(err).toContain('Export not written: EEXIST');
  expect(exported()).toHaveLength(1);
  expect(messagesIn(DEAD)).toHaveLength(2);
  expect(allVisible()).toBe(true);
});

test('dlq discard keeps letters hidden while a person thinks', async () => {
  fill(3);
  let visible = 0;
  const ask = async (): Promise<string> => {
    for (let minute = 0; minute < 10; minute += 1) {
      sqs.nowMs += 45_000;
      await new Promise((resolve) => setTimeout(resolve, 20));
      visible += messagesIn(DEAD).filter(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs).length;
    }
    return '3';
  };
  expect(await discard([], { ask })).toMatchObject({ code: 0 });
  expect(visible).toBe(0);
});

test('a discard that fails halfway reports what it deleted', async () => {
  fill(450);
  let deletes = 0;
  sqs.script = (operation) =>
    operation === 'DeleteMessageBatch' && (deletes += 1) > 20
      ? // The deployment has already forgotten the letters that stay. At worst, a second letter about the same key is added.
        { status: 403, code: 'AccessDenied', message: 'not authorized to perform: sqs:deletemessage' }
      : undefined;
  const { code, out } = await discard(['--expect', '450', '--json']);
  expect(code).toBe(3);
  const { deleted, matching } = JSON.parse(out);
  expect({ matching, left: messagesIn(DEAD).length }).toEqual({ matching: 450, left: 450 - deleted });
});

test('Ctrl-C ends a discard between two steps, and the output says how many it deleted', async () => {
  fill(450);
  const controller = new AbortController();
  sqs.script = (operation) => {
    if (operation === 'DeleteMessageBatch') controller.abort();
    return undefined;
  };
  const { code, out } = await discard(['--expect', '450', '--json'], { interrupted: controller.signal });
  expect(code).toBe(130);
  expect(JSON.parse(out)).toMatchObject({ status: 'interrupted', matching: 450, deleted: 400 });
  expect(messagesIn(DEAD)).toHaveLength(50);
  expect(allVisible()).toBe(true);
});

test('a discard that expects messages fails if there are none', async () => {
  expect(await discard(['--expect', '5'])).toMatchObject({ code: 1 });
  expect(await discard(['--expect', '0'])).toMatchObject({ code: 0 });
});

test('a discard that is killed has deleted nothing that is not in its export', async () => {
  fill(120);
  const all = idsLeft();
  let deletes = 0;
  const child = spawn(
    process.execPath,
    ['bin/s3-replicator.mjs', 'dlq', 'discard', '--expect', '120', '--export', join(folder, FILE)],
    { cwd: ROOT, env: { ...process.env, ...awsEnvironment(sqs) }, stdio: 'ignore' },
  );
  sqs.script = (operation) => {
    if (operation === 'DeleteMessageBatch' && (deletes += 1) === 4) child.kill('SIGKILL');
    return undefined;
  };
  sqs.nowMs = Date.now();
  await once(child, 'exit');
  const left = idsLeft();
  const gone = [...all].filter((id) => !left.has(id));
  const inFile = new Set(exported().map(({ id }) => id));
  expect(gone.length).toBeGreaterThan(0);
  expect(gone.length).toBeLessThan(120);
  expect(gone.filter((id) => !inFile.has(id))).toEqual([]);
});
