import { readFile } from 'node:fs/promises';

const INTERVAL_MS = 200;

/**
 * Calls `onExceeded` once if a process uses more memory than its limit. Lambda kills such a process. Returns a function that ends the
 * watch. Does nothing on an operating system without /proc.
 */
export const watchMemory = (pid: number, limitBytes: number, onExceeded: () => void): (() => void) => {
  const check = async (): Promise<void> => {
    if ((await residentBytes(pid)) <= limitBytes) return;
    clearInterval(timer);
    onExceeded();
  };
  const timer = setInterval(() => void check(), INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
};

const residentBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
};
