/** A thread that computes the digests of large bodies and writes their files while the event loop receives bytes. */
import { Worker } from 'node:worker_threads';
import type { DigestName } from './digests.ts';

/** A file that the thread writes from its beginning. The methods reject with the error of the file system or of the thread. */
export interface ThreadFile {
  /**
   * Transfers the buffer to the thread, which updates the digests with its first `lengthBytes` and writes them. Resolves, when this is
   * done, with a buffer that uses the same memory.
   */
  append(buffer: Buffer, lengthBytes: number): Promise<Buffer>;
  finish(): Promise<ReadonlyMap<DigestName, Buffer>>;
  /** Deletes the file. Resolves after the thread has returned every appended buffer. */
  abandon(): Promise<void>;
}

export interface FileThread {
  create(path: string, digests: ReadonlySet<DigestName>): ThreadFile;
  /** Ends the thread. Commands that are still pending reject. */
  close(): Promise<void>;
}

/** A command to the thread. The thread responds to each command with a {@link FileAnswer}, in the order of the commands. */
export type FileCommand = { file: number } & (
  | { kind: 'create'; path: string; digests: ReadonlySet<DigestName> }
  | { kind: 'append'; memory: ArrayBuffer; lengthBytes: number }
  | { kind: 'finish' }
  | { kind: 'abandon' }
);

export interface FileAnswer {
  /** The memory of the appended buffer. Set in every response to an `append`, even if it failed. */
  memory?: ArrayBuffer;
  /** Set in the response to a `finish`. */
  digests?: ReadonlyMap<DigestName, Uint8Array>;
  error?: unknown;
}

/** Creates a thread that starts when the first file is created. It does not keep the process alive. */
export const createFileThread = (): FileThread => {
  let files = 0;
  let running: RunningThread | null = null;
  return {
    create: (path, digests) => {
      files += 1;
      running ??= startThread(() => {
        if (running !== CLOSED) running = null;
      });
      return createThreadFile(running, { file: files, path, digests });
    },
    close: async () => {
      const last = running;
      running = CLOSED;
      await last?.end();
    },
  };
};

interface RunningThread {
  ask(command: FileCommand, transfer?: ArrayBuffer[]): Promise<FileAnswer>;
  end(): Promise<void>;
}

const startThread = (onEnd: () => void): RunningThread => {
  const questions: { resolve(answer: FileAnswer): void; reject(error: unknown): void }[] = [];
  const worker = new Worker(new URL('file-thread-worker.ts', import.meta.url), {
    // A worker does not accept some options of this process, such as --input-type.
    execArgv: [],
  });
  let ended = false;
  const fail = (error: unknown): void => {
    if (ended) return;
    ended = true;
    onEnd();
    for (const question of questions.splice(0)) question.reject(error);
  };
  worker.on('message', (answer: FileAnswer) => questions.shift()?.resolve(answer));
  worker.on('error', fail);
  worker.on('exit', () => fail(threadEnded()));
  // Must come after the message listener is added, because a new listener keeps the process alive.
  worker.unref();
  return {
    ask: (command, transfer = []) =>
      new Promise((resolve, reject) => {
        if (ended) {
          reject(threadEnded());
          return;
        }
        questions.push({ resolve, reject });
        worker.postMessage(command, transfer);
      }),
    end: async () => {
      await worker.terminate();
    },
  };
};

const threadEnded = (): Error => new Error('The thread that writes files of the local S3 has ended');

/** Takes the place of the thread after `close`. Every command fails. */
const CLOSED: RunningThread = { ask: () => Promise.reject(threadEnded()), end: () => Promise.resolve() };

const createThreadFile = (
  thread: RunningThread,
  { file, path, digests }: { file: number; path: string; digests: ReadonlySet<DigestName> },
): ThreadFile => {
  const created = thread.ask({ kind: 'create', file, path, digests });
  created.catch(() => undefined);
  const succeeded = async (answer: FileAnswer): Promise<void> => {
    if (answer.error !== undefined) throw (await created).error ?? answer.error;
  };
  return {
    append: async ({ buffer }, lengthBytes) => {
      if (!(buffer instanceof ArrayBuffer))
        throw new TypeError('Only memory of its own can be given to a thread');
      const answer = await thread.ask({ kind: 'append', file, memory: buffer, lengthBytes }, [buffer]);
      await succeeded(answer);
      return Buffer.from(answer.memory ?? new ArrayBuffer(0));
    },
    finish: async () => {
      const answer = await thread.ask({ kind: 'finish', file });
      await succeeded(answer);
      return new Map([...(answer.digests ?? [])].map(([name, digest]) => [name, Buffer.from(digest)]));
    },
    abandon: async () => {
      await thread.ask({ kind: 'abandon', file });
    },
  };
};
