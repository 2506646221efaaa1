import { type OperatorQueue, type MoveTask, QueueError } from './queue.ts';

export interface MovedAll {
  /** As it ended, or as it was when Ctrl-C left it running. */
  task: MoveTask;
  /** It had been started before, by somebody else or an earlier command. */
  attached: boolean;
  interrupted: boolean;
}

const MOVE_TASK_POLL_MS = 1_000;
/** SQS may need a moment to list a task it has accepted. */
const POLLS_UNTIL_LISTED = 30;

/**
 * Moves everything to the live queue by SQS's own means (a message move task) and watches until it ends. There can be
 * one task per queue: one that is running already is watched instead. Ctrl-C stops the watching, not the task.
 */
export const redriveAll = async (
  queue: OperatorQueue,
  request: {
    maxPerSecond: number | null;
    interrupted: AbortSignal;
    sleep: (ms: number) => Promise<void>;
    onProgress: (task: MoveTask) => void;
  },
): Promise<MovedAll> => {
  const before = await queue.moveTasks();
  const running = before.find(isUnderWay);
  const started = running === undefined && (await queue.startMove(request.maxPerSecond));
  // Handles disappear when a task ends; what stays the same is when it started.
  const known = new Set(started ? before.map(({ startedMs }) => startedMs) : []);
  const isOurs = (task: MoveTask): boolean =>
    running === undefined ? !known.has(task.startedMs) : task.startedMs === running.startedMs;
  for (let polls = 1; ; polls += 1) {
    const task = (await queue.moveTasks()).find(isOurs);
    if (task === undefined && polls >= POLLS_UNTIL_LISTED) {
      throw new QueueError('aws-failed', `SQS accepted the move task of ${queue.name} but does not list it`);
    }
    if (task !== undefined) {
      request.onProgress(task);
      const interrupted = isUnderWay(task) && request.interrupted.aborted;
      if (interrupted || !isUnderWay(task)) return { task, attached: !started, interrupted };
    }
    await request.sleep(MOVE_TASK_POLL_MS);
  }
};

/** Not ended yet: only one such task per queue can be. */
export const isUnderWay = ({ status }: MoveTask): boolean => status === 'RUNNING' || status === 'CANCELLING';
