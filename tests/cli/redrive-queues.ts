/** A live queue and a dead-letter queue on the scripted SQS, for tests of `dlq redrive`. */
import type { RedriveResult } from '../../src/cli/dead-letters/redrive-result.ts';
import type { CliIo } from '../../src/cli/terminal/io.ts';
import { vi } from 'vitest';
import { awsEnvironment, putDeadLetter, type Run, run } from './run.ts';
import { DEAD, type ScriptedSqs, startScriptedSqs, type StoredMessage } from './scripted-sqs.ts';

/** The scripted SQS. {@link startQueues} sets this variable. */
export let sqs: ScriptedSqs;

export const startQueues = async (): Promise<void> => {
  sqs = await startScriptedSqs();
  for (const [name, value] of Object.entries(awsEnvironment(sqs))) vi.stubEnv(name, value);
};

export const stopQueues = async (): Promise<void> => {
  vi.unstubAllEnvs();
  await sqs.close();
};

export const redrive = (argv: string[] = [], io: Partial<CliIo> = {}): Promise<Run> =>
  run(['dlq', 'redrive', ...argv], { now: () => sqs.nowMs, ...io });
export const redriveJson = async (...argv: string[]): Promise<RedriveResult> =>
  JSON.parse((await redrive(['--json', ...argv])).out);
export const messagesIn = (queue: string): StoredMessage[] => sqs.queues[queue]!;
export const keysIn = (queue: string): string[] =>
  messagesIn(queue)
    .map(({ body }) => JSON.parse(body).key)
    .toSorted();
export const allVisible = (): boolean =>
  messagesIn(DEAD).every(({ visibleAtMs }) => visibleAtMs <= sqs.nowMs);
/**
 * Fills the dead-letter queue. A third of the messages has the reason kms, and the others have the reason
 * access-denied.
 */
export const fill = (count: number): void => {
  for (let n = 0; n < count; n += 1) {
    putDeadLetter(sqs, {
      key: `invoices/${String(n).padStart(4, '0')}`,
      reason: n % 3 === 0 ? 'kms' : 'access-denied',
    });
  }
};
