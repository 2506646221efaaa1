/** Deploys the files that `serverless deploy` would upload, with the repository's own replication.yml. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { replicaPlaces } from '../../demo/replica-places.ts';
import { startTwoAccounts } from '../../demo/two-accounts.ts';

const SHIPPED = join(REPOSITORY, '.serverless');

test('the last package replicates an object of each rule to all its destinations', async () => {
  refuseStale();
  await using accounts = await startTwoAccounts({ packaged: SHIPPED });
  const objects = accounts.configuration.replication.rules.map(({ source }) => ({
    bucket: source.bucket,
    key: `${source.prefix}an object${source.suffix}`,
  }));
  for (const { bucket: Bucket, key: Key } of objects) {
    await accounts.source.s3().send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  }
  await accounts.waitUntilReplicated(objects);
  await accounts.waitUntilQuiet();
  expect(objects.flatMap((object) => replicaPlaces(accounts.configuration, object))).not.toEqual([]);
  expect(await accounts.queueDepth(accounts.deadLetterQueueUrl)).toMatchObject({ visible: 0, inFlight: 0 });
});

/** Fails if a source is newer than the package. `npm test` packages first, but vitest alone does not. */
const refuseStale = (): void => {
  const packagedMs = changedMs(join('.serverless', TEMPLATE_FILE));
  if (packagedMs === null) throw new Error('there is no .serverless: run `npm run package` first');
  const sources = globSync('src/**/*.ts', { cwd: REPOSITORY });
  const newer = [...sources, 'serverless.yml', 'replication.yml'].filter(
    (file) => (changedMs(file) ?? 0) > packagedMs,
  );
  if (newer.length > 0)
    throw new Error(`.serverless is older than ${newer[0]}: run \`npm run package\` again`);
};

const changedMs = (file: string): number | null =>
  statSync(join(REPOSITORY, file), { throwIfNoEntry: false })?.mtimeMs ?? null;
