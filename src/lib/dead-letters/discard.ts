import type { ForwardedMessage } from '../delivery/forwarding.ts';
import { letterKey, type LetterKey } from '../delivery/known-letters.ts';
import { mapConcurrently } from '../model/concurrency.ts';
import type { DeadMessage } from './dead-message.ts';
import type { DeadMessageFilter } from './filter.ts';
import { createHold, type Hold } from './hold.ts';
import { forwardable, type OperatorQueue, type ReceivedMessage } from './queue.ts';
import { type LettersRead, readHeld, type Reader } from './read.ts';

/** A line of the export: the letter as `dlq list` shows it, and all that is needed to send the message again. */
export type ExportedLetter = DeadMessage & ForwardedMessage;

/** The file into which letters are written before they are deleted. */
export interface LetterExport {
  write(letter: ExportedLetter): Promise<void>;
  /** Resolves when everything that was written is on the disk and the file is closed. */
  close(): Promise<void>;
  /** Removes the file. Called if nothing was deleted. */
  remove(): Promise<void>;
}

export interface DiscardRequest {
  filter: DeadMessageFilter;
  /** Maximum number of letters. */
  limit: number;
  reader: Reader & { sleep(ms: number): Promise<void> };
  /** Called when the first letter is to be written. */
  openExport: () => Promise<LetterExport>;
  /** Called after the export is closed. Rejects if nothing is to be deleted. */
  confirm: (read: LettersRead) => Promise<void>;
  onRead: (read: number, matching: number) => void;
  onMessage: (seen: DeadMessage, message: ReceivedMessage) => void;
  onDeleted: (count: number) => void;
}

export interface Discarded {
  read: LettersRead;
  deleted: number;
  /**
   * The number of letters that should be deleted and were not. They are still in the queue, unless another command removed them.
   */
  left: number;
  /** The failure that ended the deletion early; null: none. */
  failure: unknown;
  /** Whether Ctrl-C ended the reading or the deletion. */
  interrupted: boolean;
}

/**
 * Deletes the letters that match. They are first written into an export, which is closed before the first of them is deleted. Only
 * letters that were written are deleted. So a letter that arrives meanwhile stays, and no letter is lost if the command ends
 * early.
 */
export const discardMatching = async (queue: OperatorQueue, request: DiscardRequest): Promise<Discarded> => {
  const { reader } = request;
  const { visible, inFlight, retentionMs } = await queue.state();
  const hold = createHold(queue, () => reader.now(), visible);
  try {
    const { read, doomed, file } = await exportLetters({ hold, retentionMs, visible, inFlight }, request);
    const nothing = { read, deleted: 0, left: doomed.length, failure: null };
    if (file === null) return { ...nothing, interrupted: read.interrupted };
    await hold.release(new Set(doomed.map(({ id }) => id)));
    if (read.interrupted || !(await isConfirmed(hold, file, request, read))) {
      await file.remove();
      return { ...nothing, interrupted: true };
    }
    const deletion = await deleteAll(queue, hold, doomed, request);
    const left = doomed.length - deletion.deleted;
    return { read, ...deletion, left, interrupted: reader.interrupted.aborted && left > 0 };
  } finally {
    await hold.release();
  }
};

/** A letter that was written and is to be deleted. */
interface Doomed {
  id: string;
  of: LetterKey | null;
}

const exportLetters = async (
  place: Parameters<typeof readHeld>[0],
  { filter, limit, reader, openExport, onRead, onMessage }: DiscardRequest,
): Promise<{ read: LettersRead; doomed: Doomed[]; file: LetterExport | null }> => {
  const doomed: Doomed[] = [];
  const opened: { file: Promise<LetterExport> | null } = { file: null };
  const read = await readHeld(place, {
    filter,
    limit,
    reader,
    onRead,
    async onMessage(seen, message) {
      await (await (opened.file ??= openExport())).write({ ...seen, ...forwardable(message) });
      doomed.push({ id: message.id, of: letterKey(seen) });
      onMessage(seen, message);
    },
  }).finally(async () => await (await opened.file)?.close());
  return { read, doomed, file: await opened.file };
};

/** How often the command checks whether the hold has to be renewed while a person decides. */
const LOOK_EVERY_MS = 1_000;

/** Asks for confirmation, and keeps the letters hidden until the answer. Resolves to false after Ctrl-C. */
const isConfirmed = async (
  hold: Hold,
  file: LetterExport,
  { confirm, reader }: DiscardRequest,
  read: LettersRead,
): Promise<boolean> => {
  const state = { isAnswered: false };
  const answer = confirm(read).finally(() => (state.isAnswered = true));
  const keepHolding = async (): Promise<void> => {
    while (!state.isAnswered) {
      await hold.renew();
      await Promise.race([reader.sleep(LOOK_EVERY_MS), answer]);
    }
  };
  try {
    await Promise.all([answer, keepHolding()]);
    return !reader.interrupted.aborted;
  } catch (error) {
    await file.remove();
    throw error;
  }
};

/** How many letters are deleted in one step. Between two steps, Ctrl-C is checked. Each step invokes the function once. */
const STEP = 400;
/** SQS deletes at most ten messages with one call. */
const BATCH = 10;
const BATCHES_AT_ONCE = 4;

/** Deletes step by step, and ends at the first failure. The letters deleted until then are counted exactly. */
const deleteAll = async (
  queue: OperatorQueue,
  hold: Hold,
  doomed: readonly Doomed[],
  { reader, onDeleted }: DiscardRequest,
): Promise<Pick<Discarded, 'deleted' | 'failure'>> => {
  const result: Pick<Discarded, 'deleted' | 'failure'> = { deleted: 0, failure: null };
  const remove = async (some: readonly Doomed[]): Promise<void> => {
    const removed = await queue.remove(hold.handlesOf(some.map(({ id }) => id)));
    for (const { id } of removed) hold.drop(id);
    result.deleted += removed.length;
    onDeleted(result.deleted);
  };
  const fail = (error: unknown): void => {
    result.failure ??= error;
  };
  for (const step of chunksOf(doomed, STEP)) {
    if (reader.interrupted.aborted || result.failure !== null) break;
    try {
      await hold.renew();
      // The records are removed first. If a record remained after its letter was deleted, the next failure of the key would get
      // no letter.
      await queue.forget(step.flatMap(({ of }) => of ?? []));
      await mapConcurrently(chunksOf(step, BATCH), BATCHES_AT_ONCE, (batch) => remove(batch).catch(fail));
    } catch (error) {
      fail(error);
    }
  }
  if (result.failure !== null && result.deleted === 0) throw result.failure;
  return result;
};

const chunksOf = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
