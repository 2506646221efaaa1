/**
 * `node tests/world-mutations.ts`: takes back one fix of convergence, transfers or delivery at a time, in a copy of the code, and shows
 * which random world finds it. The worlds are the property tests with generated histories, not the tests of single faults.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { CHAOS, type Fix, FIXES, HISTORIES } from './world-fixes.ts';

const ROOT = join(import.meta.dirname, '..');
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const TIME_LIMIT_MS = 900_000;

const main = (): number => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '20261130' },
      runs: { type: 'string', default: '300' },
      only: { type: 'string', default: '' },
    },
  });
  const folder = join(ROOT, '.local-aws', `world-mutations-${process.pid}`);
  console.log(`seed ${values.seed}, ${values.runs} runs of each property`);
  let found = 0;
  const chosen = FIXES.filter(({ fault }) => fault.includes(values.only));
  try {
    copyTo(folder);
    const env = { PROPERTY_SEED: values.seed, PROPERTY_RUNS: values.runs };
    for (const world of [HISTORIES, CHAOS]) {
      const failure = playWithout({ fault: '', edits: [], world }, folder, env);
      if (failure === null) continue;
      console.log(`the code fails without any change: ${failure}`);
      return 2;
    }
    for (const fix of chosen) {
      const failure = playWithout(fix, folder, env);
      if (failure !== null) found += 1;
      console.log(
        `${failure === null ? 'NOT FOUND' : 'found    '} ${fix.fault}${failure === null ? '' : `\n            ${failure}`}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${found} of ${chosen.length} found`);
  return found === chosen.length ? 0 : 1;
};

const copyTo = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  for (const name of [
    'src',
    'tests',
    'demo',
    'packages',
    'package.json',
    'tsconfig.json',
    'vitest.config.ts',
  ])
    cpSync(join(ROOT, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
};

/** Returns the first property that failed, or null if none did. */
const playWithout = ({ edits, world, title }: Fix, folder: string, env: NodeJS.ProcessEnv): string | null => {
  const files = new Map(edits.map(({ file }) => [file, readFileSync(join(folder, file), 'utf8')]));
  const changed = new Map(files);
  for (const { file, fixed, before } of edits) {
    const code = changed.get(file) ?? '';
    if (code.split(fixed).length !== 2) throw new Error(`${file} has not exactly once: ${fixed}`);
    changed.set(
      file,
      code.replace(fixed, () => before),
    );
  }
  for (const [file, code] of changed) writeFileSync(join(folder, file), code);
  const args = [VITEST, 'run', world, '--bail=1', ...(title === undefined ? [] : ['-t', title])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: TIME_LIMIT_MS,
  });
  for (const [file, code] of files) writeFileSync(join(folder, file), code);
  if (status === 0) return null;
  const [, failed] = / FAIL .*> (.*)/.exec(stripVTControlCharacters(stdout + stderr)) ?? [];
  return failed ?? 'it did not end in time';
};

process.exitCode = main();
