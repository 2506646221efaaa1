/** Measures the whole path from upload to replica through the local AWS. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { TwoAccounts } from '../demo/two-accounts.ts';
import { SOURCE_BUCKET } from './configuration.ts';
import { type Section, value } from './figure.ts';

const BODY = Buffer.alloc(16 * 1024, 'x');
const UPLOADS_AT_ONCE = 16;

/** The function shares the machine with the local AWS, so the rate depends on both. The CPU time is that of the function alone. */
export const measurePipeline = async (accounts: TwoAccounts, isShort: boolean): Promise<Section> => {
  const objects = isShort ? 200 : 2_000;
  const { aws, names, waitUntilReplicated, waitUntilQuiet } = accounts;
  await uploadMany(accounts, 'warm-up', objects);
  await waitUntilQuiet({ timeoutMs: 600_000 });
  aws.lambda.resetUsage(names.replicateFunction);
  const startedMs = performance.now();
  const keys = await uploadMany(accounts, 'measured', objects);
  await waitUntilQuiet({ timeoutMs: 600_000 });
  const seconds = (performance.now() - startedMs) / 1_000;
  const usage = aws.lambda.usage(names.replicateFunction);
  await waitUntilReplicated(keys.slice(-1).map((key) => ({ bucket: SOURCE_BUCKET, key })));
  return {
    title: `${objects} objects of 16 KiB from upload to replica, everything on this machine`,
    figures: [
      value('uploaded and replicated', 'objects/s', objects / seconds),
      value('replicate function: CPU', 'CPU-ms/object', usage.cpuMs / objects),
      value('replicate function: messages per invocation', 'messages', objects / usage.invocations),
      value('replicate function: invocations at the same time', 'invocations', usage.peakConcurrency),
    ],
  };
};

const uploadMany = async ({ source }: TwoAccounts, prefix: string, count: number): Promise<string[]> => {
  const keys = Array.from({ length: count }, (_, index) => `${prefix}/${index}`);
  const waiting = [...keys];
  const worker = async (): Promise<void> => {
    for (let Key = waiting.pop(); Key !== undefined; Key = waiting.pop()) {
      await source.s3().send(new PutObjectCommand({ Bucket: SOURCE_BUCKET, Key, Body: BODY }));
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, worker));
  return keys;
};
