import { readFile } from 'node:fs/promises';

const INTERVAL_MS = 200;

/**
 * Calls `onExceeded` once when a process holds more memory than its function may: Lambda kills it then. Where the operating
 * system does not tell (there is no /proc), nothing happens. Returns how to end the watch.
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
