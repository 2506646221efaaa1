/** Measures how long the replicate function takes to start, compared with an empty function. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
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
  const functions = [
    { name: 'empty function', code: empty },
    { name: 'replicate function', code: replicate },
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
