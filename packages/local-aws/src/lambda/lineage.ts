import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { lambdaError } from './lambda-error.ts';

/**
 * Whether Lambda stops a function that is in a recursive loop.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
 */
export type RecursiveLoop = 'Allow' | 'Terminate';

/** How many times a function may run in one chain of requests before Lambda stops it. AWS documents "approximately 16 times". */
export const MAX_INVOCATIONS_IN_CHAIN = 16;

/** How many times each function has run in a chain of requests. The keys are hashes of the functions' ARNs. */
type Lineage = ReadonlyMap<string, number>;

/**
 * Returns the trace header of an invocation. The function's SDK adds this header to its requests. Its part `Lineage` counts how many times
 * each function has run in the chain of requests, including this invocation. `causes` are the trace headers of the events that caused the
 * invocation. If a batch has several events, the highest count of each function is used. An event without a trace header begins a new
 * chain.
 * @throws AwsError RecursiveInvocationException if the chain is too long and the function's `RecursiveLoop` is Terminate
 */
export const traceOfInvocation = (
  { functionArn, recursiveLoop, clock }: { functionArn: string; recursiveLoop: RecursiveLoop; clock: Clock },
  causes: readonly string[],
): string => {
  const lineage = new Map<string, number>();
  for (const [id, count] of causes.flatMap((header) => [...lineageOf(header)]))
    lineage.set(id, Math.max(count, lineage.get(id) ?? 0));
  const id = createHash('sha256').update(functionArn).digest('hex').slice(0, 8);
  const count = (lineage.get(id) ?? 0) + 1;
  if (count > MAX_INVOCATIONS_IN_CHAIN && recursiveLoop === 'Terminate') {
    throw lambdaError(
      'RecursiveInvocationException',
      'Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function’s invocation.',
    );
  }
  lineage.set(id, count);
  const parts = [...lineage].map(([name, times]) => `${name}:${times}`);
  return `${rootOf(causes) ?? newRoot(clock)};Parent=${randomUUID().slice(0, 8)}${randomUUID().slice(0, 8)};Sampled=0;Lineage=${parts.join('|')}`;
};

const lineageOf = (traceHeader: string): Lineage => {
  const [, list = ''] = /(?:^|;)\s*Lineage=([^;]*)/.exec(traceHeader) ?? [];
  const counts = [...list.matchAll(/([0-9a-f]{8}):(\d+)/g)];
  return new Map(counts.map(([, id = '', count]) => [id, Number(count)]));
};

/**
 * Returns the trace id that an invocation continues, or null if it begins a new trace. Only an invocation by a single event continues that
 * event's trace.
 */
const rootOf = (causes: readonly string[]): string | null =>
  (causes.length === 1 && /Root=1-[0-9a-f]{8}-[0-9a-f]{24}/.exec(causes[0] ?? '')?.[0]) || null;

const newRoot = (clock: Clock): string => {
  const seconds = Math.floor(clock.now() / 1000).toString(16);
  return `Root=1-${seconds}-${randomUUID().replaceAll('-', '').slice(0, 24)}`;
};
