/**
 * The thread that `file-thread.ts` starts. It updates the digests with each buffer and writes the buffer immediately, while the bytes are
 * in the cache of this CPU core. The writes are synchronous, because writes through libuv's thread pool would cost a quarter of a CPU
 * second more per GB.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { FileAnswer, FileCommand } from './file-thread.ts';
import { createDigester, type Digester } from './digests.ts';

interface OpenFile {
  path: string;
  descriptor: number;
  digester: Digester;
}

const files = new Map<number, OpenFile>();

const obey = async (command: FileCommand): Promise<FileAnswer> => {
  const { kind, file } = command;
  if (kind === 'create') {
    const { path, digests } = command;
    files.set(file, { path, descriptor: openSync(path, 'w'), digester: createDigester(digests) });
    return {};
  }
  const open = files.get(file);
  if (kind === 'abandon') {
    if (open !== undefined) remove(file, open);
    return {};
  }
  if (open === undefined) throw new Error('A file of the local S3 could not be opened');
  if (kind === 'append') {
    const bytes = new Uint8Array(command.memory, 0, command.lengthBytes);
    open.digester.update(Buffer.from(bytes.buffer, 0, bytes.length));
    writeFullySync(open.descriptor, bytes);
    return {};
  }
  closeSync(open.descriptor);
  files.delete(file);
  return { digests: await open.digester.digests() };
};

const writeFullySync = (descriptor: number, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
};

const remove = (file: number, { path, descriptor }: OpenFile): void => {
  files.delete(file);
  closeSync(descriptor);
  rmSync(path, { force: true });
};

const answer = async (command: FileCommand): Promise<void> => {
  const given = command.kind === 'append' ? { memory: command.memory } : {};
  const answered = await obey(command).catch((error: unknown): FileAnswer => ({ error }));
  parentPort?.postMessage({ ...answered, ...given }, Object.values(given));
};

/** Commands run one after the other, so that the answers have the order of the commands. */
let last = Promise.resolve();
parentPort?.on('message', (command: FileCommand) => {
  last = last.then(() => answer(command));
});
