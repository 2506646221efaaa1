/**
 * The long form of the random tests: the model of the protocol and of transfers, chaos with the packaged replicator, a backfill of
 * 100,000 objects and versions, objects of several GiB. Rounds with new seeds follow each other for the given number of minutes:
 * `npm run test:soak -- --minutes 30`
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    from: { type: 'string', default: 'named' },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed);
if (values.help || !(minutes > 0) || !Number.isInteger(firstSeed)) {
  console.log(
    'Usage: npm run test:soak -- [--minutes N] [--seed N] [--from COMMIT]   (10 minutes, fractions allowed; a seed drawn anew, and one more each round; updates begin at the commit that docs/upgrade.md names)',
  );
  process.exit(values.help ? 0 : 2);
}

/** The tests of a round and their settings, which grow with `--minutes`. */
const LONG_FORMS: Record<string, Record<string, string>> = {
  'tests/convergence': {
    PROPERTY_RUNS: String(Math.min(8_000, Math.ceil(minutes * 4_000))),
    HOT_KEY_OVERWRITES: '1000',
  },
  'packages/local-aws/tests/iam/compared.test.ts': {
    IAM_RUNS: String(Math.min(100_000, Math.ceil(minutes * 10_000))),
  },
  'tests/security/fuzz.test.ts': { FUZZ_INPUTS: String(Math.min(100_000, Math.ceil(minutes * 10_000))) },
  'tests/security/fuzz-s3.test.ts': { FUZZ_INPUTS: String(Math.min(50_000, Math.ceil(minutes * 3_000))) },
  'tests/transfer/chaos.test.ts': { PROPERTY_RUNS: String(Math.min(2_000, Math.ceil(minutes * 1_000))) },
  'tests/e2e/crashes.test.ts': { ACCOUNT_CONCURRENCY: '10', DRAW: 'all' },
  'tests/e2e/chaos.test.ts': { CHAOS_ROUNDS: String(Math.min(20, Math.ceil(minutes))) },
  'tests/e2e/transfers.test.ts': {
    TRANSFER_GIB: String(Math.min(20, Math.ceil(minutes * 2))),
    LOCKED_GIB: String(Math.min(6, Math.ceil(minutes))),
    DRAW: 'all',
  },
  'tests/e2e/server-side.test.ts': { COPY_TB: '50', DRAW: 'all' },
  'tests/e2e/two-way.test.ts': { DRAW: 'all' },
  'tests/e2e/history.test.ts': { DRAW: 'all' },
  'tests/e2e/serverless-deploy.test.ts': { DRAW: 'all' },
  'tests/e2e/backfill-safety.test.ts': { DRAW: 'all' },
  'tests/e2e/batch-window.test.ts': { DRAW: 'all' },
  'tests/e2e/backfill-proof.test.ts': {
    BACKFILL_VERSIONS: String(Math.min(100_000, Math.ceil(minutes * 10_000))),
    DRAW: 'all',
  },
  // `npm test` draws a few of the permissions and faults. The soak tries all of them, one after another.
  ...(minutes < 1
    ? {}
    : {
        'permissions.test.ts': { DRAW: 'all' },
        'tests/e2e/faults.test.ts': { DRAW: 'all' },
        'tests/e2e/doctor.test.ts': { DRAW: 'all' },
        'tests/e2e/healthy-stacks.test.ts': { DRAW: 'all' },
        'tests/e2e/console': { CONSOLE: 'all' },
        'tests/e2e/recipes.test.ts': { DRAW: 'all' },
        'tests/e2e/run-rate.test.ts': { DRAW: 'all' },
        'tests/e2e/platform.test.ts': { DRAW: 'all' },
        'tests/e2e/many-buckets.test.ts': { DRAW: 'all' },
      }),
  'tests/stack/destination-stacks.test.ts': { DRAW: 'all' },
  'tests/e2e/carriers.test.ts': { CARRIER: 'plain' },
  'tests/docs/recovery.test.ts': { RECOVERY_GUIDE: 'run' },
  // With the servers that are installed, as by `node tests/foreign/install.ts`.
  'tests/foreign': { DRAW: 'all' },
  'tests/cli/copy-interrupted.test.ts': { COPY_ROUNDS: String(Math.min(200, Math.ceil(minutes * 10))) },
  // Packages two releases and updates one to the other, which takes minutes.
  ...(minutes < 1 ? {} : { 'tests/e2e/update.test.ts': { UPDATE_FROM: values.from } }),
  'tests/e2e/migrate.test.ts': { DRAW: 'all' },
  'tests/e2e/sparse.test.ts': { SPARSE_GIB: String(Math.min(6, Math.ceil(minutes))) },
};

// The package does not export its program. It exports package.json, which is in the same folder.
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

const run = (tests: string, settings: Record<string, string>): void => {
  const command = [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    'npx vitest run',
    tests,
  ];
  console.log(command.join(' '));
  const { status } = spawnSync(process.execPath, [vitest, 'run', tests, '--testTimeout', '3600000'], {
    env: { ...process.env, ...settings },
    stdio: 'inherit',
  });
  if (status === 0) return;
  console.error(`The tests failed. To repeat them: ${command.join(' ')}`);
  process.exit(1);
};

const endMs = Date.now() + minutes * 60_000;
let rounds = 0;
while (rounds === 0 || Date.now() < endMs) {
  const seed = firstSeed + rounds;
  console.log(`round ${++rounds} with seed ${seed}`);
  // Carriers other than the framework deploy a different template. The permissions in that template are removed too, but only in the first
  // round.
  if (rounds === 1 && minutes >= 1)
    run('permissions.test.ts', { PROPERTY_SEED: String(seed), DRAW: 'all', CARRIER: 'plain' });
  for (const [tests, settings] of Object.entries(LONG_FORMS))
    run(tests, { PROPERTY_SEED: String(seed), ...settings });
}
console.log(`All ${rounds} rounds passed.`);
