import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Input, optionalInteger, optionalText, text } from './input.ts';
import { authorize, type Operation, type OperationContext } from './operation.ts';
import type { Queue } from './queue-registry.ts';
import { invalidParameterValue, resourceNotFound } from './sqs-errors.ts';

interface MoveTask {
  id: string;
  source: Queue;
  destinationArn: string | undefined;
  messagesPerSecond: number | undefined;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';
  failureReason: string | undefined;
  movedCount: number;
  toMoveCount: number;
  startedAtMs: number;
}

/**
 * StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
 *
 * A task moves the visible messages that arrived before it started. AWS does not document whether a task also moves later messages.
 */
export function createMoveTasks(): Readonly<Record<string, Operation>> {
  const tasks: MoveTask[] = [];
  return {
    StartMessageMoveTask(input, context) {
      const source = sourceOf(text(input, 'SourceArn'), 'sqs:StartMessageMoveTask', context);
      const destinationArn = optionalText(input, 'DestinationArn');
      const messagesPerSecond = optionalInteger(input, 'MaxNumberOfMessagesPerSecond', 1, 500);
      if (context.registry.sourcesOf(source).length === 0) {
        throw invalidParameterValue('Source queue must be configured as a Dead Letter Queue.');
      }
      if (destinationArn !== undefined) refuseUnusableDestination(destinationArn, source, context);
      if (tasks.some((task) => task.source === source && isActive(task))) {
        throw invalidParameterValue(
          'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
        );
      }
      const task: MoveTask = {
        id: randomUUID(),
        source,
        destinationArn,
        messagesPerSecond,
        status: 'RUNNING',
        failureReason: undefined,
        movedCount: 0,
        toMoveCount: source.messages.counts().visible,
        startedAtMs: context.clock.now(),
      };
      tasks.unshift(task);
      void run(task, context);
      return { TaskHandle: handleOf(task) };
    },

    ListMessageMoveTasks(input, context) {
      const source = sourceOf(text(input, 'SourceArn'), 'sqs:ListMessageMoveTasks', context);
      const limit = optionalInteger(input, 'MaxResults', 1, 10) ?? 1;
      const recent = tasks.filter((task) => task.source === source).slice(0, limit);
      return { Results: recent.map(describe) };
    },

    CancelMessageMoveTask(input, context) {
      const { id, sourceArn } = parseHandle(text(input, 'TaskHandle'));
      sourceOf(sourceArn, 'sqs:CancelMessageMoveTask', context);
      const task = tasks.find((candidate) => candidate.id === id);
      if (!task) throw resourceNotFound('Task does not exist.');
      if (task.status !== 'RUNNING') throw invalidParameterValue('Only active tasks can be cancelled.');
      task.status = 'CANCELLING';
      return { ApproximateNumberOfMessagesMoved: task.movedCount };
    },
  };
}

function isActive(task: MoveTask): boolean {
  return task.status === 'RUNNING' || task.status === 'CANCELLING';
}

/**
 * Returns the source queue of a task. Checks that the caller may do `action`, and may do the operations with which the task reads the
 * source queue.
 */
function sourceOf(sourceArn: string, action: string, context: OperationContext): Queue {
  const source = context.registry.byArn(sourceArn);
  if (!source)
    throw resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.");
  for (const needed of [action, 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']) {
    authorize(context, needed, source.arn, source);
  }
  return source;
}

function refuseUnusableDestination(destinationArn: string, source: Queue, context: OperationContext): void {
  const destination = context.registry.byArn(destinationArn);
  if (!destination) {
    throw resourceNotFound("The resource that you specified for the DestinationArn parameter doesn't exist.");
  }
  if (destination === source)
    throw invalidParameterValue('Source queue arn and destination queue arn cannot be same.');
  authorize(context, 'sqs:SendMessage', destinationArn, destination);
}

/** Runs a task until it has completed, failed or been cancelled. An error becomes the task's failure reason. */
async function run(task: MoveTask, context: OperationContext): Promise<void> {
  const lastSequence = task.source.messages.lastSequence();
  // If the request has no rate, SQS chooses one. The local SQS then moves messages as fast as the event loop allows.
  const pauseMs = task.messagesPerSecond === undefined ? 0 : 1000 / task.messagesPerSecond;
  for (let count = 0; ; count += 1) {
    if (pauseMs > 0 || count % 500 === 0) await sleep(pauseMs, undefined, { ref: false });
    if (task.status === 'CANCELLING') {
      task.status = 'CANCELLED';
      return;
    }
    const outcome = moveOne(task, lastSequence, context);
    if (outcome === 'moved') {
      task.movedCount += 1;
      continue;
    }
    task.status = outcome === 'nothing left' ? 'COMPLETED' : 'FAILED';
    if (outcome !== 'nothing left') task.failureReason = outcome;
    return;
  }
}

/**
 * Moves a message, which gets a new id, a new sending time and a receive count of zero. Returns 'moved', 'nothing left' or a failure
 * reason.
 */
function moveOne(task: MoveTask, lastSequence: number, { registry }: OperationContext): string {
  const { messages } = task.source;
  const message = messages.remove(lastSequence);
  if (!message) return 'nothing left';
  const destinationArn = task.destinationArn ?? message.deadLetterSourceArn;
  const destination = destinationArn === undefined ? undefined : registry.byArn(destinationArn);
  if (!destination) {
    messages.add({ content: message.content, senderId: message.senderId, delayMs: 0, moved: message });
    return destinationArn === undefined
      ? 'CouldNotDetermineMessageSource'
      : 'AWS.SimpleQueueService.NonExistentQueue';
  }
  const { delayMs } = destination.attributes;
  destination.messages.add({ content: message.content, senderId: message.senderId, delayMs });
  return 'moved';
}

function describe(task: MoveTask): Record<string, unknown> {
  return {
    ...(task.status === 'RUNNING' && { TaskHandle: handleOf(task) }),
    Status: task.status,
    SourceArn: task.source.arn,
    ...(task.destinationArn !== undefined && { DestinationArn: task.destinationArn }),
    ...(task.messagesPerSecond !== undefined && { MaxNumberOfMessagesPerSecond: task.messagesPerSecond }),
    ApproximateNumberOfMessagesMoved: task.movedCount,
    ApproximateNumberOfMessagesToMove: task.toMoveCount,
    ...(task.failureReason !== undefined && { FailureReason: task.failureReason }),
    StartedTimestamp: task.startedAtMs,
  };
}

function handleOf(task: MoveTask): string {
  return Buffer.from(JSON.stringify({ taskId: task.id, sourceArn: task.source.arn })).toString('base64');
}

function parseHandle(handle: string): { id: string; sourceArn: string } {
  try {
    const parsed: Input = JSON.parse(Buffer.from(handle, 'base64').toString());
    return { id: text(parsed, 'taskId'), sourceArn: text(parsed, 'sourceArn') };
  } catch {
    throw invalidParameterValue('Value for parameter TaskHandle is invalid.');
  }
}
