import { closeSync, openSync, readSync } from 'node:fs';

const INTERVAL_MS = 200;

/** Size of the buffer for /proc/PID/status. The file has about 1.4 KB, and most of it comes after the line VmRSS. */
const STATUS_BYTES = 4096;

/**
 * Calls `onExceeded` once if a process uses more memory than its limit, because Lambda kills such a process. Returns a function that ends
 * the watch. Does nothing on an operating system without /proc.
 *
 * The file stays open, and reads are synchronous. Opening it for each read took a tenth of the CPU time of an end-to-end test.
 */
export const watchMemory = (pid: number, limitBytes: number, onExceeded: () => void): (() => void) => {
  const file = openStatus(pid);
  if (file === null) return () => undefined;
  const buffer = Buffer.alloc(STATUS_BYTES);
  const end = (): void => {
    if (timer === null) return;
    clearInterval(timer);
    timer = null;
    closeSync(file);
  };
  let timer: NodeJS.Timeout | null = setInterval(() => {
    if (residentBytes(file, buffer) <= limitBytes) return;
    end();
    onExceeded();
  }, INTERVAL_MS);
  timer.unref();
  return end;
};

const openStatus = (pid: number): number | null => {
  try {
    return openSync(`/proc/${pid}/status`, 'r');
  } catch {
    return null;
  }
};

/** Returns the resident memory; zero if the process has ended. */
const residentBytes = (file: number, buffer: Buffer): number => {
  try {
    const status = buffer.toString('latin1', 0, readSync(file, buffer, 0, STATUS_BYTES, 0));
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
};
