/** Measures how long the replicate function takes to start, compared with an empty function. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { RULES_PATH } from '../src/lib/model/rules-file.ts';
import type { Artifact, Code } from './artifact.ts';
import { cost, type Section, value } from './figure.ts';
import { startFunction } from './function-process.ts';
import type { Stand } from './stand.ts';

export const measureBundle = async ({ replicate, zipFile }: Artifact): Promise<Section> => ({
  title: 'Bundle of the replicate function',
  figures: [
    value('zip', 'bytes', (await stat(zipFile)).size),
    value('unpacked', 'bytes', (await stat(replicate.file)).size),
  ],
});

export const measureColdStart = async (stand: Stand, isShort: boolean): Promise<Section> => {
  const starts = isShort ? 5 : 10;
  const { empty, replicate } = stand.artifact;
  await using many = await withManyRules(replicate);
  const functions = [
    { name: 'empty function', code: empty },
    { name: 'replicate function', code: replicate },
    { name: `replicate function, ${MANY_RULES} rules`, code: many },
  ].map((each) => ({ ...each, initMs: [] as number[], importMs: [] as number[] }));
  const variables = stand.variables('https');
  for (let start = 0; start < starts; start++) {
    for (const each of functions) {
      each.initMs.push(await initMs(each.code, variables));
      each.importMs.push(await importMs(each.code, variables));
    }
  }
  return {
    title: `Cold start, ${starts} times each in turns`,
    figures: functions.flatMap(({ name, ...ms }) => [
      cost(`${name}: process start to first request for work`, 'ms', ms.initMs),
      cost(`${name}: import of the bundle`, 'ms', ms.importMs),
    ]),
  };
};

const MANY_RULES = 100;

/** A copy of the function with a larger file of rules. Packaging adds this file to the zip, and the function reads it when it starts. */
const withManyRules = async ({ directory, handler, file }: Code): Promise<Code & AsyncDisposable> => {
  const copy = await mkdtemp(join(tmpdir(), 'bench-rules-'));
  await cp(directory, copy, { recursive: true });
  const { rules, ...others } = JSON.parse(await readFile(join(copy, RULES_PATH), 'utf8'));
  const [rule] = rules;
  const more = Array.from({ length: MANY_RULES }, (_, index) => ({ ...rule, id: `rule-${index}` }));
  await writeFile(join(copy, RULES_PATH), JSON.stringify({ ...others, rules: more }));
  return {
    directory: copy,
    handler,
    file: join(copy, relative(directory, file)),
    [Symbol.asyncDispose]: () => rm(copy, { recursive: true, force: true }),
  };
};

const initMs = async (code: Code, variables: Record<string, string>): Promise<number> => {
  const process = await startFunction(code, variables);
  try {
    return await process.initMs();
  } finally {
    await process.stop();
  }
};

const importMs = async (code: Code, variables: Record<string, string>): Promise<number> => {
  const script =
    'const t=performance.now();require(process.argv[1]);console.log(performance.now()-t);process.exit()';
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, code.file], {
    env: { ...process.env, ...variables, AWS_REGION: 'us-east-1' },
  });
  return Number(stdout);
};
