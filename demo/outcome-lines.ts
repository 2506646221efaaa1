/** Reads the outcomes that the replicate function writes to its log. There is one outcome for each key and destination. */
import type { LogLine } from '@s3-replicator/local-aws';

/** A log line of the replicate function about one key and one destination. The fields are those of `OutcomeRecord`. */
export interface OutcomeLine {
  ending: 'done' | 'skip' | 'retry' | 'quarantine';
  /** The outcome of converge, such as `replicated` or `unchanged`; null if `ending` is not `done`. */
  outcome: string | null;
  reason: string | null;
  sourceBucket: string | null;
  destinationBucket: string | null;
  key: string | null;
  /** The version id that the event named. */
  version: string | null;
  /** How many bytes were moved; null if the line does not report it. */
  bytes: number | null;
  durationMs: number | null;
}

export interface Outcomes {
  /** Calls the listener for each outcome from now on. Returns a function that unsubscribes the listener. */
  subscribe(listener: (outcome: OutcomeLine) => void): () => void;
  /** Resolves at the next outcome. */
  next(): Promise<void>;
}

/** Creates the outcomes of one function. `read` must be called with every log line of every function. */
export const createOutcomes = (functionName: string): Outcomes & { read(line: LogLine): void } => {
  const listeners = new Set<(outcome: OutcomeLine) => void>();
  const subscribe: Outcomes['subscribe'] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    subscribe,
    next: () =>
      new Promise((resolve) => {
        const unsubscribe = subscribe(() => {
          unsubscribe();
          resolve();
        });
      }),
    read(line) {
      if (line.functionName !== functionName) return;
      const outcome = parseOutcome(line.line);
      if (outcome !== null) for (const listener of listeners) listener(outcome);
    },
  };
};

const ENDINGS = ['done', 'skip', 'retry', 'quarantine'] as const;

const parseOutcome = (line: string): OutcomeLine | null => {
  if (!line.startsWith('{')) return null;
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null) return null;
  const field = (name: string): unknown => Reflect.get(fields, name);
  const text = (name: string): string | null => {
    const value = field(name);
    return typeof value === 'string' ? value : null;
  };
  const number = (name: string): number | null => {
    const value = field(name);
    return typeof value === 'number' ? value : null;
  };
  const ending = ENDINGS.find((known) => known === field('ending'));
  if (ending === undefined) return null;
  return {
    ending,
    outcome: text('outcome'),
    reason: text('reason'),
    sourceBucket: text('sourceBucket'),
    destinationBucket: text('destinationBucket'),
    key: text('key'),
    version: text('version'),
    bytes: number('bytes'),
    durationMs: number('durationMs'),
  };
};
