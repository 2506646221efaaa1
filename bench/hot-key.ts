/** Measures the worst case: one key is overwritten faster than it can be replicated, so many invocations work on this key at once. */
import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { TwoAccounts } from '../demo/two-accounts.ts';
import { countDuring } from './call-counts.ts';
import {
  DESTINATION_BUCKET,
  HISTORY_DESTINATION_BUCKET,
  HISTORY_SOURCE_BUCKET,
  SOURCE_BUCKET,
} from './configuration.ts';
import { type Section, value } from './figure.ts';

const UPLOADS_AT_ONCE = 8;
const KEY = 'hot';

export async function* measureHotKey(accounts: TwoAccounts, isShort: boolean): AsyncGenerator<Section> {
  const overwrites = isShort ? 40 : 1_000;
  for (const rule of RULES) yield await measureRule(accounts, overwrites, rule);
}

const RULES = [
  { mode: 'latest', source: SOURCE_BUCKET, replica: DESTINATION_BUCKET },
  { mode: 'all', source: HISTORY_SOURCE_BUCKET, replica: HISTORY_DESTINATION_BUCKET },
];

const measureRule = async (
  accounts: TwoAccounts,
  overwrites: number,
  { mode, source, replica }: (typeof RULES)[number],
): Promise<Section> => {
  const { aws, names } = accounts;
  aws.lambda.resetUsage(names.replicateFunction);
  const startedMs = performance.now();
  let uploadedMs = startedMs;
  const counts = await countDuring(accounts, async () => {
    await overwrite(accounts.source.s3(), source, overwrites);
    uploadedMs = performance.now();
  });
  const endedMs = performance.now();
  const usage = aws.lambda.usage(names.replicateFunction);
  const replicas = await versionsOf(accounts.destination.s3(), replica);
  const isLatest = replicas[0] === (await versionsOf(accounts.source.s3(), source))[0];
  if (!isLatest) throw new Error('the replica of the hot key is not its newest version');
  const seconds = (fromMs: number): number => (endedMs - fromMs) / 1_000;
  const calls = [...counts].toSorted(([, one], [, other]) => other - one);
  return {
    title: `One key overwritten ${overwrites.toLocaleString('en-US')} times, versions: ${mode}`,
    figures: [
      value('from the first upload to the last event', 's', seconds(startedMs)),
      value('from the last upload to the last event', 's', seconds(uploadedMs)),
      value('versions of the replica', 'versions', replicas.length),
      value('invocations', 'invocations', usage.invocations),
      value('invocations at the same time', 'invocations', usage.peakConcurrency),
      ...calls.map(([operation, count]) => value(operation, 'calls', count)),
    ],
  };
};

const overwrite = async (s3: S3Client, Bucket: string, count: number): Promise<void> => {
  let left = count;
  const worker = async (): Promise<void> => {
    for (let index = left--; index > 0; index = left--) {
      await s3.send(new PutObjectCommand({ Bucket, Key: KEY, Body: `version ${index}` }));
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, worker));
};

/** Returns the ETags of all versions, newest first. The ETags differ because each version has different content. */
const versionsOf = async (s3: S3Client, Bucket: string): Promise<string[]> => {
  const etags: string[] = [];
  let next: Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'> | null = {};
  while (next !== null) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: KEY, ...next }),
    );
    etags.push(...(page.Versions ?? []).map(({ ETag }) => ETag ?? ''));
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    next = page.IsTruncated ? { KeyMarker, VersionIdMarker } : null;
  }
  return etags;
};
