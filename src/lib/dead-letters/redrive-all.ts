import { type OperatorQueue, type MoveTask, QueueError } from './queue.ts';

export interface MovedAll {
  /** The task after it ended. If Ctrl-C stopped the watching, the task at that moment. */
  task: MoveTask;
  /** Whether the task had already been started, by another person or an earlier command. */
  attached: boolean;
  interrupted: boolean;
}

const MOVE_TASK_POLL_MS = 1_000;
/** Maximum number of polls until SQS lists a task that it has accepted. */
const POLLS_UNTIL_LISTED = 30;

/**
 * Makes SQS move all messages to the live queue (a message move task), and watches the task until it ends. A queue can have only
 * one running task. If a task is already running, that task is watched instead. Ctrl-C stops the watching, but not the task.
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
  // The handle of a task disappears when the task ends, but its start time stays the same. So the task is recognised by its start
  // time.
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

/** Returns whether the task has not ended yet. A queue can have only one such task. */
export const isUnderWay = ({ status }: MoveTask): boolean => status === 'RUNNING' || status === 'CANCELLING';
