import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Credentials } from '@s3-replicator/local-aws';

export const LOCAL_BUCKET = 'bench';

export interface LocalS3Report {
  endpoint: string;
  httpsEndpoint: string;
  /** The file with the certificate of the https endpoint. */
  caFile: string;
  /** The credentials of the bucket's owner. */
  credentials: Credentials;
  /** Counted since the start of the process. */
  peakRssBytes: number;
  /** Counted since the start of the process. */
  cpuSeconds: number;
}

/** The local AWS that runs in a separate process; see `local-s3-process.ts`. */
export interface LocalS3Server extends Pick<
  LocalS3Report,
  'caFile' | 'credentials' | 'endpoint' | 'httpsEndpoint'
> {
  report(): Promise<LocalS3Report>;
  /** Moves the clock of the server. */
  advance(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

export const startLocalS3Server = async (): Promise<LocalS3Server> => {
  const child = fork(fileURLToPath(new URL('local-s3-process.ts', import.meta.url)));
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process of the local AWS ended');
  });
  // The end of the process is an error only for a caller that waits for a report. Without such a caller, this handler prevents an unhandled
  // rejection.
  ended.catch(() => undefined);
  const hear = async (): Promise<LocalS3Report> => {
    const [message]: [LocalS3Report] = await Promise.race([
      once(child, 'message') as Promise<[LocalS3Report]>,
      ended,
    ]);
    return message;
  };
  return {
    ...(await hear()),
    report: async () => {
      const answer = hear();
      child.send('report');
      return await answer;
    },
    advance: async (milliseconds) => {
      const answer = hear();
      child.send(milliseconds);
      await answer;
    },
    stop: async () => {
      child.disconnect();
      await ended.catch(() => undefined);
    },
  };
};
