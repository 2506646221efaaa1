/** Runs `explain` about one object, in a state that a test makes up. */
import { runExplain } from '../../src/cli/explain/explain.ts';
import type { Explanation, PlaceView } from '../../src/lib/inspect/explain.ts';
import type { LogLine } from '../../src/lib/inspect/log-lines.ts';
import type { Run } from '../../src/lib/runs/run.ts';
import type { Readable } from '../../src/lib/state/deployment-state.ts';
import { objectState } from '../model/object-state.ts';
import { run } from './run.ts';

export const SOURCE = objectState({ versionId: 'v2', lastModifiedMs: Date.parse('2026-11-30T13:49:58Z') });

export const place = (fields: Partial<PlaceView> = {}): PlaceView => {
  const side = { tags: null, versions: null, hasOlder: false, problem: null };
  return {
    rule: 'media',
    destination: 'archive',
    destinationBucket: 'acme-archive',
    replicaKey: 'photos/7.jpg',
    source: { ...side, current: { kind: 'object', state: SOURCE } },
    replica: { ...side, current: { kind: 'absent' } },
    relation: { holds: null, bytes: null, stamp: null, behind: null, receipt: null },
    filter: null,
    next: { passedOver: [], kind: 'done', outcome: 'unchanged' },
    avoided: null,
    brake: { closedSince: null, why: null, heldSince: null },
    transfer: null,
    hasLetter: false,
    version: null,
    ...fields,
  };
};

export const explanation = (...places: PlaceView[]): Explanation => ({
  bucket: 'acme-media',
  key: 'photos/7.jpg',
  isMappedBack: false,
  rules: [{ rule: 'media', why: places.length === 0 ? 'its keys begin with "clips/"' : null }],
  sourceBuckets: ['acme-media'],
  places,
});

export const NOW_MS = Date.parse('2026-11-30T14:00:00Z');

/** The contents of the table of runs, and the log lines of the functions about the key, oldest first. */
export const known: { runs: Readable<Run[]>; lines: LogLine[] } = { runs: [], lines: [] };

/** Runs the command with this answer of the function. */
export const explained = async (answer: unknown, ...argv: string[]) =>
  await run(
    ['explain', 's3://acme-media/photos/7.jpg', ...argv],
    { now: () => NOW_MS },
    {
      explain: (args, io) =>
        runExplain(args, io, {
          inspect: () => async (_payload, parse) => {
            const parsed = parse(answer);
            if (parsed === null) throw new Error('no answer');
            return parsed;
          },
          deadLetters: () => Promise.reject(new Error('the queue is left alone')),
          logs: () => ({ find: async () => ({ lines: known.lines, isComplete: true }) }),
          runs: async () => known.runs,
        }),
    },
  );

export const call = (
  name: 'DeleteObject' | 'PutObject' | 'RestoreObject' | 'PutObjectTagging' | 'CompleteMultipartUpload',
): PlaceView['next'] => ({
  passedOver: [],
  kind: 'call',
  call: name,
  key: 'photos/7.jpg',
  versionId: null,
  condition: 'If-None-Match: *',
  sourceVersion: 'v2',
});

export const done = (
  outcome: 'filtered' | 'held' | 'not-ours' | 'replica' | 'source-gone' | 'transferring' | 'unchanged',
): PlaceView['next'] => ({ passedOver: [], kind: 'done', outcome });
