/** Waits until no work is under way. */
import {
  type DeploymentState,
  isReadable,
  type NotReadable,
  type QueueState,
} from '../../lib/state/deployment-state.ts';
import type { StateReader } from '../../lib/state/read-state.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { duration } from '../../lib/text/duration.ts';
import { withCliErrors } from '../aws-errors.ts';
import { CliError } from '../terminal/errors.ts';
import { type CliIo, EXIT } from '../terminal/io.ts';
import { jsonText } from '../terminal/json.ts';
import { createProgress } from '../terminal/progress.ts';

/** How long all queues and work must have been empty. SQS's counts settle about a minute after the last change. */
const EMPTY_MS = 5 * 60_000;
const POLL_MS = 5_000;

/** Resolves to the exit code. Throws {@link CliError} if a part of the state cannot be read. */
export const waitDrained = async (reader: StateReader, io: CliIo, isJson: boolean): Promise<number> => {
  const progress = createProgress(io);
  let emptySinceMs: number | null = null;
  try {
    while (!io.interrupted.aborted) {
      const state = await withCliErrors(reader.read);
      const left = whatIsLeft(state);
      if (left.length > 0) {
        emptySinceMs = null;
        progress.update(`waiting for ${left.join(', ')}`);
      } else {
        emptySinceMs ??= io.now();
        const forMs = io.now() - emptySinceMs;
        if (forMs >= EMPTY_MS) {
          progress.end();
          io.stdout.write(isJson ? jsonText(state) : drainedText(state));
          return EXIT.ok;
        }
        progress.update(`empty for ${duration(forMs / 1_000)} of ${duration(EMPTY_MS / 1_000)}`);
      }
      await io.sleep(POLL_MS);
    }
    return EXIT.interrupted;
  } finally {
    progress.end();
  }
};

/** Names the work that is under way, with its counts. Throws {@link CliError} if a part of the state cannot be read. */
export const whatIsLeft = ({ queues, rules, transfers, runs }: DeploymentState): string[] => {
  const missing = new Set<string>();
  const known = <Value extends object | number>(value: Value | NotReadable): Value | null => {
    if (typeof value !== 'object' || !('notReadable' in value)) return value;
    missing.add(value.notReadable);
    return null;
  };
  const messagesIn = ({ messages }: QueueState): number => {
    const counts = known(messages);
    return counts === null ? 0 : counts.visible + counts.inFlight + counts.delayed;
  };
  const left = [
    ...Object.entries(queues).map(([name, queue]) =>
      counted(messagesIn(queue), `message`, `in the ${name} queue`),
    ),
    ...rules.map(({ waiting, rule, destination }) =>
      counted(known(waiting) ?? 0, 'message', `waiting for ${rule} → ${destination}`),
    ),
    ...rules.map(({ brake, rule, destination }) => {
      const found = known(brake);
      const isPaused = found !== null && (found.state === 'closed' || found.releasing);
      return isPaused ? `the paused deletes of ${rule} → ${destination}` : null;
    }),
    counted(known(transfers)?.length ?? 0, 'transfer', ''),
    ...(known(runs) ?? []).map(({ run }) => `run ${run}`),
  ].filter((each) => each !== null);
  if (missing.size > 0)
    throw new CliError(
      'access-denied',
      `whether everything is drained cannot be told without ${[...missing].toSorted().join(', ')}.`,
    );
  return left;
};

const counted = (count: number, one: string, where: string): string | null =>
  count === 0 ? null : `${countOf(count, one)} ${where}`.trimEnd();

const drainedText = ({ deadLetters }: DeploymentState): string => {
  const { messages } = deadLetters.live;
  const dead = isReadable(messages) ? messages.visible + messages.inFlight : 0;
  return [
    `Drained: queues, transfers, runs and paused deletes have been empty for ${duration(EMPTY_MS / 1_000)}.`,
    ...(dead === 0 ? [] : [`${countOf(dead, 'dead letter')} remain: npx s3-replicator dlq list`]),
    'Only a verify proves that both sides agree: npx s3-replicator verify start --rule RULE --wait',
    '',
  ].join('\n');
};
