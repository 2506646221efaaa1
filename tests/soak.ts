/**
 * The long form of the property tests: again and again with new seeds, for as many minutes as asked.
 * `npm run test:soak -- --minutes 30`
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, help: { type: 'boolean', default: false } },
});
const minutes = Number(values.minutes);
if (values.help || !(minutes > 0)) {
  console.log('Usage: npm run test:soak -- [--minutes N]   (default 10; fractions allowed)');
  process.exit(values.help ? 0 : 2);
}

// Its program is not among what the package exports; it stands beside package.json, which is.
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const endMs = Date.now() + minutes * 60_000;
let rounds = 0;
while (rounds === 0 || Date.now() < endMs) {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`round ${++rounds}: PROPERTY_SEED=${seed} PROPERTY_RUNS=20000`);
  const env = { ...process.env, PROPERTY_SEED: String(seed), PROPERTY_RUNS: '20000' };
  const timeout = ['--testTimeout', '3600000'];
  const { status } = spawnSync(process.execPath, [vitest, 'run', 'tests/convergence', ...timeout], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error(
      `Failed. Again with: PROPERTY_SEED=${seed} PROPERTY_RUNS=20000 npx vitest run tests/convergence`,
    );
    process.exit(1);
  }
}
console.log(`${rounds} rounds, all passed`);
