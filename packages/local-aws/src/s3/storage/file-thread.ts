/** A thread that computes the digests of large bodies and writes their files while the event loop receives. */
import { Worker } from 'node:worker_threads';
import type { DigestName } from './digests.ts';

/** One file, written in order from its beginning. The methods reject with the error of the file system or of the thread. */
export interface ThreadFile {
  /** Transfers the buffer to the thread. Resolves with a buffer on the same memory once the first `lengthBytes` are digested and written. */
  append(buffer: Buffer, lengthBytes: number): Promise<Buffer>;
  finish(): Promise<ReadonlyMap<DigestName, Buffer>>;
  /** Resolves once every appended buffer has been returned and the file is deleted. */
  abandon(): Promise<void>;
}

export interface FileThread {
  create(path: string, digests: ReadonlySet<DigestName>): ThreadFile;
  /** Ends the thread. Commands that it has not answered are rejected. */
  close(): Promise<void>;
}

/** The thread answers each command with a {@link FileAnswer}, in order. */
export type FileCommand = { file: number } & (
  | { kind: 'create'; path: string; digests: ReadonlySet<DigestName> }
  | { kind: 'append'; memory: ArrayBuffer; lengthBytes: number }
  | { kind: 'finish' }
  | { kind: 'abandon' }
);

export interface FileAnswer {
  /** Set after an `append`, even if it failed. */
  memory?: ArrayBuffer;
  /** Set after a `finish`. */
  digests?: ReadonlyMap<DigestName, Uint8Array>;
  error?: unknown;
}

/** The thread starts with the first file and does not keep the process alive. */
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
    // The options of this process may be valid for its main program only, like --input-type.
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
  // Must come after the listener is added, because a message listener keeps the process alive again.
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

/** Takes the place of the thread after `close`. */
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
