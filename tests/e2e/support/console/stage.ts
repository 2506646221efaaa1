/**
 * Starts the demo's deployment, a console over it, and everything that the console shows: replicated objects, refused ones and archived
 * ones.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { type ServedConsole, serveConsole } from '../../../../demo/console.ts';
import { REPOSITORY } from '../../../../demo/package-stack.ts';
import { refuseWrites, skipRetriesOfRefusals } from '../../../../demo/refusal.ts';
import { startTwoAccounts, type TwoAccounts } from '../../../../demo/two-accounts.ts';
import { mapConcurrently } from '../../../../src/lib/model/concurrency.ts';
import { packaged } from '../stages/packaged.ts';

export interface ConsoleStage extends AsyncDisposable {
  accounts: TwoAccounts;
  /** The folder into which the console writes exports. */
  folder: string;
  /** Removes the cause of the dead letters. */
  allowWrites(): Promise<void>;
  /** Causes dead letters again. */
  refuseAgain(): Promise<void>;
  /** Leaves a replica whose object is no longer in the source. Resolves to its key. */
  leaveExtra(): Promise<string>;
  /** Resolves to the keys that the replica of media shows. */
  replicas(): Promise<string[]>;
  serve(...argv: string[]): Promise<ServedConsole>;
}

export const REFUSED = 'invoices/refused/';
const REPLICA = 'acme-documents-replica';

/** How many objects exist before the deployment, so that a backfill has work. */
const BEFORE = 24;

/** Starts the stage. With `deletes`, the rule `media` replicates deletes, which needs a separate package. */
export const startConsoleStage = async ({ deletes = false } = {}): Promise<ConsoleStage> => {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 's3-replicator-console-'));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const accounts = cleanUp.use(
    await startTwoAccounts({
      ...(deletes ? await withDeletes(folder) : { packaged: '.serverless' }),
      before: ({ source }) => upload(source.s3(), 'acme-media', names('photos/2025/', BEFORE)),
    }),
  );
  const s3 = accounts.source.s3();
  let allowWrites = async (): Promise<void> => undefined;
  const refuseAgain = async (): Promise<void> => {
    await allowWrites();
    allowWrites = await refuseWrites(accounts.destination.s3(), REPLICA, REFUSED);
    await upload(s3, 'acme-documents', names(REFUSED, 3));
    await accounts.waitUntilDeadLettered(3, { timeoutMs: 120_000 });
  };
  cleanUp.defer(skipRetriesOfRefusals(accounts));
  await upload(s3, 'acme-documents', names('invoices/2026/', 6));
  await refuseAgain();
  const replicas = async (): Promise<string[]> => {
    const listed = await accounts.destination
      .s3()
      .send(new ListObjectsV2Command({ Bucket: 'acme-media-replica' }));
    return (listed.Contents ?? []).map(({ Key = '' }) => Key);
  };
  const leaveExtra = async (): Promise<string> => {
    const [Key = ''] = await replicas();
    const { VersionId } = await s3.send(new HeadObjectCommand({ Bucket: 'acme-media', Key }));
    // When a version is deleted permanently, no event hides its replica.
    await s3.send(new DeleteObjectCommand({ Bucket: 'acme-media', Key, VersionId }));
    return Key;
  };
  const serve: ConsoleStage['serve'] = (...argv) =>
    serveConsole([...argv, '--config', accounts.replicationFile], accounts.source.environment(), folder);
  const everything = cleanUp.move();
  return {
    accounts,
    folder,
    allowWrites: () => allowWrites(),
    refuseAgain,
    leaveExtra,
    replicas,
    serve,
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
};

const withDeletes = async (folder: string): Promise<{ configuration: string; packaged: string }> => {
  const configuration = join(folder, 'replication.yml');
  const text = await readFile(join(REPOSITORY, 'replication.yml'), 'utf8');
  await writeFile(configuration, text.replace('  - id: media\n', '$&    deletes: replicate\n'));
  return { configuration, packaged: await packaged(configuration) };
};

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(4, '0')}.pdf`);

const upload = async (
  s3: ReturnType<TwoAccounts['source']['s3']>,
  Bucket: string,
  keys: readonly string[],
): Promise<void> => {
  await mapConcurrently(keys, 8, (Key) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: `${Key} `.repeat(2_000) })),
  );
};
