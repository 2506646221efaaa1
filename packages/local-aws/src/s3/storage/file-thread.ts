/** A thread that computes the digests of large bodies and writes their files, while the event loop receives. */
import { Worker } from 'node:worker_threads';
import type { DigestName } from './digests.ts';

/** One file, written in order from its beginning. Methods reject with what the file system or the thread failed with. */
export interface ThreadFile {
  /** Takes the buffer away, and answers one of the same memory once its first `lengthBytes` are digested and written. */
  append(buffer: Buffer, lengthBytes: number): Promise<Buffer>;
  finish(): Promise<ReadonlyMap<DigestName, Buffer>>;
  /** Answers when all that was appended has been given back and the file is gone. */
  abandon(): Promise<void>;
}

export interface FileThread {
  create(path: string, digests: ReadonlySet<DigestName>): ThreadFile;
  /** Ends the thread. What it was asked and has not answered is rejected. */
  close(): Promise<void>;
}

/** Each is answered with a {@link FileAnswer}, in order. */
export type FileCommand = { file: number } & (
  | { kind: 'create'; path: string; digests: ReadonlySet<DigestName> }
  | { kind: 'append'; memory: ArrayBuffer; lengthBytes: number }
  | { kind: 'finish' }
  | { kind: 'abandon' }
);

export interface FileAnswer {
  /** Of an `append`, whether it failed or not. */
  memory?: ArrayBuffer;
  /** Of a `finish`. */
  digests?: ReadonlyMap<DigestName, Uint8Array>;
  error?: unknown;
}

/** The thread starts with the first file. It does not keep the process alive. */
export const createFileThread = (): FileThread => {
  let files = 0;
  let running: Running | null = null;
  return {
    create: (path, digests) => {
      files += 1;
      running ??= startThread(() => {
        if (running !== CLOSED) running = null;
      });
      return threadFile(running, files, path, digests);
    },
    close: async () => {
      const last = running;
      running = CLOSED;
      await last?.end();
    },
  };
};

interface Running {
  ask(command: FileCommand, transfer?: ArrayBuffer[]): Promise<FileAnswer>;
  end(): Promise<void>;
}

const startThread = (onEnd: () => void): Running => {
  const questions: { resolve(answer: FileAnswer): void; reject(error: unknown): void }[] = [];
  const worker = new Worker(new URL('file-thread-worker.ts', import.meta.url), {
    // Those of this process may be for its main program only, like --input-type.
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
  // After the listener: listening to messages keeps the process alive anew.
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

/** What comes after the end. */
const CLOSED: Running = { ask: () => Promise.reject(threadEnded()), end: () => Promise.resolve() };

const threadFile = (
  thread: Running,
  file: number,
  path: string,
  digests: ReadonlySet<DigestName>,
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
