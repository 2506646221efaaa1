/** The deployed inspect function, and the commands that use it, for the states in which an object can be. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TEMPLATE_FILE } from '../../demo/package-stack.ts';
import type { Explanation, PlaceView } from '../../src/lib/inspect/explain.ts';
import { packaged, replicationFileOf } from './support/stages/packaged.ts';
import { settled, startStage, type Stage } from './support/stages/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ configuration: replicationFileOf('replication') });
});
afterAll(async () => {
  await stage?.stop();
});

/** What the function answers. */
const inspect = async (request: object): Promise<unknown> => {
  const { payload } = await stage.aws.lambda
    .function(stage.names.inspectFunction)
    .run(JSON.stringify(request));
  return JSON.parse(payload);
};

const explain = async (bucket: string, key: string, more: object = {}): Promise<Explanation> =>
  (await inspect({ inspect: 'explain', bucket, key, ...more })) as Explanation;

const onlyPlace = async (bucket: string, key: string): Promise<PlaceView> => {
  const { places } = await explain(bucket, key);
  expect(places).toHaveLength(1);
  return places[0]!;
};

test('the inspect function shows both sides of a replicated object as the replicate role sees them, and that nothing is left to do', async () => {
  const { VersionId: versionId } = await stage.put('main', 'kept', 'content', { Tagging: 'a=b' });
  await settled(stage);
  expect(await onlyPlace('main', 'kept')).toMatchObject({
    rule: 'main',
    destinationBucket: 'main-replica',
    replicaKey: 'kept',
    source: { current: { kind: 'object', state: { versionId } }, tags: { a: 'b' }, problem: null },
    replica: { current: { kind: 'object', state: { sizeBytes: 7 } }, tags: { a: 'b' }, problem: null },
    relation: {
      holds: true,
      bytes: 'same',
      stamp: { identity: `v/${versionId}`, isProven: true },
      behind: 0,
    },
    next: { kind: 'done', outcome: 'unchanged' },
  });
});

test('the inspect function names everything that is wrong with a request', async () => {
  expect(await inspect({ inspect: 'everything' })).toEqual({
    problems: [expect.stringMatching(/^"inspect" must be one of explain/)],
  });
  expect(await inspect({ inspect: 'explain', bucket: 'main' })).toEqual({
    problems: ['"bucket" and "key" must be texts'],
  });
});

test('the inspect function has the role of the replicate function, which destinations trust, and nothing in the stack invokes it', async () => {
  const text = await readFile(join(await packaged(replicationFileOf('replication')), TEMPLATE_FILE), 'utf8');
  const { Resources: resources } = JSON.parse(text);
  const { Role, Timeout, ReservedConcurrentExecutions } = resources.InspectLambdaFunction.Properties;
  expect([Role, Timeout, ReservedConcurrentExecutions]).toEqual([
    resources.ReplicateLambdaFunction.Properties.Role,
    60,
    undefined,
  ]);
  const naming = Object.entries(resources).filter(([, each]) =>
    JSON.stringify(each).includes('InspectLambda'),
  );
  expect(naming.map(([id]) => id)).toEqual([]);
});
