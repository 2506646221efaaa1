/** What the page may do: the same as the commands, with the same confirmations. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QuestionAsked } from '../../src/cli/console/answering-io.ts';
import { CONSOLE } from '../../src/cli/console/console.ts';
import type { Deployed } from '../../src/cli/console/deployed.ts';
import { letterRoutes } from '../../src/cli/console/letter-routes.ts';
import { lookRoutes } from '../../src/cli/console/look-routes.ts';
import type { Fields } from '../../src/cli/console/request-body.ts';
import { type Route, routeOf } from '../../src/cli/console/routes.ts';
import { runRoutes } from '../../src/cli/console/run-routes.ts';
import { AWS } from '../../src/cli/runs/run-ports.ts';
import { STATUS_PORTS } from '../../src/cli/status/status.ts';
import { parseOptions } from '../../src/cli/terminal/command.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { fill, messagesIn, sqs, startQueues, stopQueues } from './redrive-queues.ts';
import { ROOT, silentIo } from './run.ts';
import { createRunCommands } from './run-commands.ts';
import { DEAD } from './scripted-sqs.ts';
import { healthy, NOW_MS } from './status-sources.ts';

const deployed = (given: {
  io: Partial<CliIo>;
  config: string;
  ports?: Partial<Deployed['ports']>;
  options?: string[];
}): Deployed => {
  const argv = [`--config=${given.config}`];
  return {
    argv,
    options: parseOptions(CONSOLE, [...argv, ...(given.options ?? [])]),
    ports: { status: STATUS_PORTS, runs: AWS, ...given.ports },
    io: { ...silentIo(ROOT), ...given.io },
  };
};

/** Sends a request to the routes. `text` is the path of the request, followed by the query if it is a GET. */
const asking =
  (routes: readonly Route[]) =>
  async <Value>(method: 'GET' | 'POST', text: string, fields: Fields = {}): Promise<Value> => {
    const url = new URL(text, 'http://console');
    const found = routeOf(routes, method, url.pathname);
    if (found === null) throw new Error(`no route ${text}`);
    const answer = await found.route.answer({ id: found.id, query: url.searchParams, fields });
    if (!('json' in answer)) throw new Error('no JSON');
    return JSON.parse(JSON.stringify(answer.json));
  };

/** Resolves to the question of the server. */
const questionOf = (work: Promise<unknown>): Promise<QuestionAsked> =>
  work.then(
    () => Promise.reject(new Error('nothing was asked')),
    (error: unknown) => (error instanceof QuestionAsked ? error : Promise.reject(error)),
  );

describe('dead letters', () => {
  let folder: string;
  let ask: ReturnType<typeof asking>;
  beforeEach(async () => {
    await startQueues();
    folder = mkdtempSync(join(tmpdir(), 'console-'));
    const io = { now: () => sqs.nowMs, cwd: folder, sleep: () => new Promise<void>(setImmediate) };
    ask = asking(letterRoutes(deployed({ io, config: `${ROOT}replication.yml` })));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await stopQueues();
  });

  test('are listed in groups as by the command, with some of them one by one', async () => {
    fill(30);
    const letters = await ask<{ letters: number; groups: unknown[]; some: { reason: string }[] }>(
      'GET',
      '/api/letters?reason=kms',
    );
    expect(letters).toMatchObject({ letters: 10, complete: true, queue: DEAD });
    expect(letters.groups).toHaveLength(1);
    expect(new Set(letters.some.map(({ reason }) => reason))).toEqual(new Set(['kms']));
    await expect(ask('GET', '/api/letters?reason=unheard-of')).rejects.toThrow('unheard-of');
  });

  test('are discarded only after the server has seen their number, and into a file that the page does not choose', async () => {
    fill(30);
    const fields = { reason: 'kms', export: join(folder, 'chosen'), expect: '10' };
    const { question, warning } = await questionOf(ask('POST', '/api/letters/discard', fields));
    expect(question).toBe('Type 10 to continue:');
    expect(warning).toContain('To be deleted permanently: 10 dead letters.');
    for (const wrong of [{ typed: '9' }, { typed: 'yes' }])
      await expect(ask('POST', '/api/letters/discard', { ...fields, ...wrong })).rejects.toThrow('is not 10');
    await questionOf(ask('POST', '/api/letters/discard', { ...fields, yes: true }));
    expect(messagesIn(DEAD)).toHaveLength(30);
    expect(readdirSync(folder)).toEqual([]);
    expect(await ask('POST', '/api/letters/discard', { ...fields, typed: '10' })).toMatchObject({
      status: 'done',
      deleted: 10,
    });
    expect(messagesIn(DEAD)).toHaveLength(20);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^dead-letters-.*\.ndjson$/)]);
  });

  test('above a hundred are sent back only after a yes', async () => {
    fill(120);
    const { question, warning } = await questionOf(ask('POST', '/api/letters/redrive'));
    expect(question).toBe('Send them? [y/N]');
    expect(warning).toContain('120 dead letters would be sent.');
    expect(messagesIn(DEAD)).toHaveLength(120);
    expect(await ask('POST', '/api/letters/redrive', { 'dry-run': true })).toMatchObject({ moved: 0 });
    expect(messagesIn(DEAD)).toHaveLength(120);
  });
});

describe('runs', () => {
  const rule = '    deletes: replicate\n';
  test('are started with the estimate that was shown, once, and only after a yes', async () => {
    using commands = createRunCommands({ source: { a: ['content'] }, replica: {} }, { rule });
    const ask = asking(runRoutes(runsOf(commands)));
    const { ticket, runs } = await ask<{ ticket: string; runs: { title: string; estimate: object }[] }>(
      'POST',
      '/api/runs/estimate',
      { kind: 'backfill', rule: 'rule' },
    );
    expect(runs).toMatchObject([{ title: 'backfill of rule to replica', estimate: { basis: 'listing' } }]);
    expect((await questionOf(ask('POST', '/api/runs/start', { ticket }))).question).toBe('Start? [y/N]');
    expect(await ask('GET', '/api/runs')).toEqual([]);
    const { runs: ids } = await ask<{ runs: string[] }>('POST', '/api/runs/start', { ticket, yes: true });
    expect(ids).toHaveLength(1);
    expect(await ask('GET', `/api/runs/${ids[0]}`)).toMatchObject({
      phase: 'comparing',
      estimate: runs[0]?.estimate,
    });
    await expect(ask('POST', '/api/runs/start', { ticket, yes: true })).rejects.toThrow('Estimate again');
    expect(await ask('POST', `/api/runs/${ids[0]}/pause`)).toMatchObject({ phase: 'paused' });
    expect(await ask('POST', `/api/runs/${ids[0]}/cancel`)).toMatchObject({ phase: 'cancelled' });
    await expect(ask('POST', `/api/runs/${ids[0]}/resume`)).rejects.toThrow('cancelled');
  });

  test('that delete are started only after the server has seen the name of the bucket', async () => {
    using commands = createRunCommands({ source: { a: ['content'] }, replica: {} }, { rule });
    const ask = asking(runRoutes(runsOf(commands)));
    const fields = {
      kind: 'verify',
      rule: 'rule',
      destination: 'replica',
      repair: true,
      'delete-extra': true,
    } as const;
    const { ticket } = await ask<{ ticket: string }>('POST', '/api/runs/estimate', fields);
    const { question, warning } = await questionOf(ask('POST', '/api/runs/start', { ticket, yes: true }));
    expect(question).toBe('Type replica to continue:');
    expect(warning).toContain('deletes the replicas in replica');
    await expect(ask('POST', '/api/runs/start', { ticket, yes: true, typed: 'source' })).rejects.toThrow(
      'is not replica',
    );
    expect(await ask('GET', '/api/runs')).toEqual([]);
    expect(await ask('POST', '/api/runs/start', { ticket, yes: true, typed: 'replica' })).toMatchObject({
      runs: [expect.any(String)],
    });
  });
});

test('every route of the page that is no GET is refused with --read-only, except the check of dead letters', () => {
  const whole = deployed({ io: {}, config: `${ROOT}replication.yml` });
  const routes = [...lookRoutes(whole), ...letterRoutes(whole), ...runRoutes(whole)];
  const open = routes.filter(({ method, changes }) => method !== 'GET' && !changes).map(({ path }) => path);
  expect(open).toEqual(['/api/letters/check']);
});

test('doctor is given the profiles of the destination accounts with which the console was started', async () => {
  const options = ['--destination-profile', 'nobody'];
  const ask = asking(lookRoutes(deployed({ io: {}, config: `${ROOT}replication.yml`, options })));
  const { findings } = await ask<{ findings: { text: string }[] }>('GET', '/api/doctor');
  expect(findings.map(({ text }) => text)).toContainEqual(expect.stringContaining('profile nobody: '));
});

test('queues are asked once in five seconds and CloudWatch once a minute, however many pages ask', async () => {
  let nowMs = NOW_MS;
  const asked = { queues: 0, measures: 0 };
  const sources = healthy();
  const open = () => ({
    ...sources,
    queues: () => ((asked.queues += 1), sources.queues()),
    measures: (...given: Parameters<typeof sources.measures>) => (
      (asked.measures += 1),
      sources.measures(...given)
    ),
  });
  const routes = lookRoutes(
    deployed({
      io: { now: () => nowMs },
      config: `${ROOT}replication.yml`,
      ports: { status: { open } },
    }),
  );
  const ask = asking(routes);
  for (let second = 0; second < 61; second += 1) {
    nowMs = NOW_MS + second * 1_000;
    await Promise.all([ask('GET', '/api/state'), ask('GET', '/api/state')]);
  }
  expect(asked).toEqual({ queues: 13, measures: 2 });
});

const runsOf = ({ ports, world, file }: ReturnType<typeof createRunCommands>): Deployed =>
  deployed({ io: { now: () => world.clock.now() }, config: file, ports: { runs: ports } });
