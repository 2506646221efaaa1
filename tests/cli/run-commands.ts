/**
 * The commands for runs, with a whole replicator in memory. While a command waits, the replicator makes
 * progress with the run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { backfillWith } from '../../src/cli/runs/backfill.ts';
import type { RunPorts } from '../../src/cli/runs/run-ports.ts';
import { verifyWith } from '../../src/cli/runs/verify.ts';
import { loadConfiguration } from '../../src/lib/configuration/configuration.ts';
import { createWorld, type WorldOptions } from '../runs/run-world.ts';
import { type Run, run } from './run.ts';

export interface RunCommands {
  world: ReturnType<typeof createWorld>;
  /**
   * Runs a command line. `answers` are what the person at the terminal types, in order. If `answers` is
   * missing, there is no terminal.
   */
  cli(argv: readonly string[], options?: { answers?: string[]; io?: Partial<CliIo> }): Promise<Run>;
  /** The questions that the commands have asked so far. */
  questions: string[];
  ports: RunPorts;
  /** The replication.yml of the deployed rule. */
  file: string;
  /** How many steps the replicator makes each time a command sleeps. */
  pace: { steps: number; concurrency: number };
  [Symbol.dispose](): void;
}

/** Returns random numbers from `seed`, by the algorithm mulberry32. */
const randomOf = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export const createRunCommands = (
  options: WorldOptions,
  yaml: { base?: string; rule?: string; file?: string; probe?: RunPorts['probe'] } = {},
): RunCommands => {
  const cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  const file = join(cwd, 'replication.yml');
  writeFileSync(file, (yaml.base ?? FILE) + (yaml.rule ?? '') + (yaml.file ?? ''));
  const [rule] = loadConfiguration(file).replication.rules;
  const world = createWorld({ random: randomOf(1), ...options, rule: rule! });
  const pace = { steps: 20, concurrency: 50 };
  const ports: RunPorts = {
    runs: () => ({ store: world.store, queues: world.deps().queues }),
    buckets: async () => {
      const { listings, buckets } = world.deps();
      const askService = () => Promise.reject(new Error('AWS is not asked'));
      return { listings, buckets, isOnePlace: true, endpoint: null, askService, serverNow: () => 0 };
    },
    receipts: () => world.deps().receipts,
    probe: yaml.probe ?? (() => Promise.reject(new Error('nobody is asked'))),
    concurrency: () => ({
      read: async () => pace.concurrency,
      set: async (maximum) => void (pace.concurrency = maximum),
    }),
    random: randomOf(2),
  };
  const questions: string[] = [];
  const cli: RunCommands['cli'] = (argv, { answers, io = {} } = {}) => {
    const left = [...(answers ?? [])];
    const ask = async (question: string): Promise<string | null> => {
      questions.push(question);
      return left.shift() ?? null;
    };
    return run(
      argv,
      {
        cwd,
        now: () => world.clock.now(),
        sleep: async (ms) => {
          await world.clock.sleep(ms);
          for (let step = 0; step < pace.steps; step += 1) await world.step();
        },
        ask: answers === undefined ? null : ask,
        ...io,
      },
      { backfill: backfillWith(ports), verify: verifyWith(ports) },
    );
  };
  return {
    world,
    cli,
    questions,
    ports,
    file,
    pace,
    [Symbol.dispose]: () => rmSync(cwd, { recursive: true }),
  };
};

/** The deployed rule. */
const FILE = `
name: test
region: us-east-1
rules:
  - id: rule
    source:
      bucket: source
    destinations:
      - id: replica
        bucket: replica
        region: eu-central-1
        roleArn: arn:aws:iam::222222222222:role/replication
        externalId: external-id
    versions: latest
`;
