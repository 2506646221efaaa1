import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A command to the counterpart process. The process responds to each command with a report. */
export interface CounterpartCommand {
  /** How long every response is delayed, to simulate a network and a service. */
  delayMs: number;
}

export interface CounterpartReport {
  /** How many bytes of PUT bodies were received since the last report. */
  receivedBytes: number;
}

/** The first message of the counterpart process. */
export interface CounterpartGreeting {
  httpEndpoint: string;
  httpsEndpoint: string;
  caPem: string;
}

/** The server that a measured function calls in place of AWS; see `counterpart-process.ts`. */
export interface Counterpart {
  httpEndpoint: string;
  httpsEndpoint: string;
  /** The file to which NODE_EXTRA_CA_CERTS must be set. */
  caFile: string;
  /**
   * Throws unless exactly this many bytes were written since the last call. Without this check, a copy that never happened would be
   * measured as a very cheap copy.
   */
  expectBytes(bytes: number): Promise<void>;
  setDelay(delayMs: number): Promise<void>;
  stop(): Promise<void>;
}

export const startCounterpart = async (): Promise<Counterpart> => {
  const child = fork(fileURLToPath(new URL('counterpart-process.ts', import.meta.url)));
  const ended = once(child, 'exit').then(() => {
    throw new Error('the counterpart process ended');
  });
  // The end of the process is an error only for a caller that waits for a report. Without such a caller, this handler prevents an unhandled
  // rejection.
  ended.catch(() => undefined);
  const hear = async <T>(): Promise<T> => {
    const [message]: [T] = await Promise.race([once(child, 'message') as Promise<[T]>, ended]);
    return message;
  };
  const { caPem, ...endpoints } = await hear<CounterpartGreeting>();
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, caPem);
  let delayMs = 0;
  const report = async (): Promise<CounterpartReport> => {
    const heard = hear<CounterpartReport>();
    child.send({ delayMs } satisfies CounterpartCommand);
    return await heard;
  };
  return {
    ...endpoints,
    caFile,
    expectBytes: async (bytes) => {
      const { receivedBytes } = await report();
      if (receivedBytes !== bytes) throw new Error(`${receivedBytes} bytes were written instead of ${bytes}`);
    },
    setDelay: async (ms) => {
      delayMs = ms;
      await report();
    },
    stop: async () => {
      child.disconnect();
      await ended.catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
