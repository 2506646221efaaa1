/**
 * `node tests/world-mutations.ts`: takes back one fix of convergence, transfers or delivery at a time, in a copy of the code, and shows
 * which random world finds it. The worlds are the property tests with generated histories, not the tests of single faults.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const TIME_LIMIT_MS = 900_000;

const HISTORIES = 'tests/convergence/histories.test.ts';
const CHAOS = 'tests/transfer/chaos.test.ts';

interface Fix {
  /** What happened without the fix. */
  fault: string;
  /** The texts of the fix, and what stood there without it. */
  edits: { file: string; fixed: string; before: string }[];
  world: string;
  /** Words in the title of the property; left out: all of the file. */
  title?: string;
}

const FIXES: Fix[] = [
  {
    fault: 'a key is stuck on an older replica that was copied back, when its source version is gone',
    edits: [
      {
        file: 'src/lib/converge/locate-replica.ts',
        fixed: 'return { position, isShown: !isOlder, shown: state };',
        before: 'return { position, isShown: true || isOlder, shown: state };',
      },
    ],
    world: HISTORIES,
    title: 'copied back',
  },
  {
    fault:
      'tags and grants of an older version reach the replica of a newer one that was written in its place',
    edits: [
      {
        file: 'src/lib/converge/latest.ts',
        fixed: "result.kind === 'written' && result.copied.isApart && !namesOneState(result.copied.written);",
        before: "result.kind === 'written' && result.copied.isApart && result.read === null;",
      },
      {
        file: 'src/lib/converge/latest.ts',
        fixed: 'if (changed && !namesOneState(replica)) return',
        before: 'if (changed && replica === null) return',
      },
      {
        file: 'src/lib/converge/converge.ts',
        fixed: "if (updated?.outcome === 'updated' && ",
        before: "if (updated?.outcome === 'updated' && updated === null && ",
      },
    ],
    world: HISTORIES,
    title: 'every history ends',
  },
  {
    fault: 'the whole history of a key is written into a destination that keeps only its last state',
    edits: [
      {
        file: 'src/lib/converge/every-version.ts',
        fixed: "if (!(await keepsVersions(context, shown, first.items))) return 'in-place';",
        before: '',
      },
    ],
    world: HISTORIES,
    title: 'every history ends',
  },
  {
    fault: 'a storage class that changes within a second is missed',
    edits: [
      {
        file: 'src/lib/replica/same-state.ts',
        fixed: '(namesOneState(source) && stampOn(replica, replicaPlace(task)) !== null) ||',
        before: 'nowMs > 0 ||',
      },
    ],
    world: HISTORIES,
    title: 'storage classes',
  },
  {
    fault: 'the hint that finishes a transfer is dropped when its run is stopped',
    edits: [
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: "message.origin === 'backfill' && transferIn(hint) === null;",
        before: "message.origin === 'backfill';",
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a large archived version blocks newer ones, because only the worker of its parts reads a byte',
    edits: [
      { file: 'src/lib/copy/transfer/begin.ts', fixed: 'await assertReadable(request, way);', before: '' },
    ],
    world: CHAOS,
  },
  {
    fault: 'tags that change while a transfer runs stay wrong',
    edits: [
      {
        file: 'src/lib/converge/write-version.ts',
        fixed: 'const hasTagsApart = !fits || copied.byTransfer || hadSameBytes;',
        before: 'const hasTagsApart = !fits || hadSameBytes;',
      },
      {
        file: 'src/lib/converge/latest.ts',
        fixed: 'const changed = !isDone && (await syncShown(task, context, version, replica));',
        before: 'const changed = isDone && (await syncShown(task, context, version, replica));',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a finish that needs a person makes a dead letter at every sweep, and is never given up',
    edits: [
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: "if (error.disposition === 'retry' || transferIn(assignment.hint) === null) return false;",
        before: 'if (error.reason !== null) return false;',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a transfer whose rule or destination is renamed can never finish',
    edits: [
      {
        file: 'src/lib/transfer/transfer-hint.ts',
        fixed: 'if (hint.kind !== TRANSFERRED || hint.rule === null || isKnown) return',
        before: 'if (hint.kind !== TRANSFERRED || hint.rule === null || isKnown || true) return',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'the whole object is uploaded as the last part, if that part is empty',
    edits: [
      {
        file: 'src/lib/copy/parts.ts',
        fixed: "const isEmpty = slice.kind === 'whole' && version.sizeBytes > 0;",
        before: "const isEmpty = slice.kind === 'whole' && version.sizeBytes < 0;",
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a worker of an earlier attempt fails the present one',
    edits: [
      {
        file: 'src/lib/transfer/transfer-batch.ts',
        fixed: 'if (range.attempt < transfer.attempt) return true;',
        before: '',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'the dead letters of a stopped run are dropped when they are redriven',
    edits: [
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: "message.origin === 'backfill' && transferIn(hint) === null;",
        before: 'transferIn(hint) === null;',
      },
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: 'return { body: formatHint({ ...unchained, run: null }),',
        before: 'return { body: formatHint(unchained),',
      },
      {
        file: 'src/lib/transfer/end-transfer.ts',
        fixed: '{ error, body: formatHint({ ...hint, run: null }), hint, assignment },',
        before: '{ error, body: formatHint(hint), hint, assignment },',
      },
    ],
    world: CHAOS,
  },
];

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
