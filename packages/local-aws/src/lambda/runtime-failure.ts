/** How a process ended. `exitCode` and `signal` are both null if the process could not be started. */
export interface ProcessEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  /** True if the process used more memory than the function may use. */
  outOfMemory: boolean;
}

/** The response that Lambda sends for a function that did not send a response itself. */
export interface RuntimeFailure {
  errorType: 'Sandbox.Timedout' | 'Runtime.ExitError' | 'Runtime.OutOfMemory';
  errorMessage: string;
}

export const timeoutFailure = (requestId: string, timeoutMs: number): RuntimeFailure => ({
  errorType: 'Sandbox.Timedout',
  errorMessage: `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
});

export const exitFailure = (requestId: string, end: ProcessEnd): RuntimeFailure => ({
  errorType: end.outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError',
  errorMessage: `RequestId: ${requestId} Error: ${describeEnd(end)}`,
});

const SIGNAL_NAMES: Partial<Record<NodeJS.Signals, string>> = { SIGKILL: 'killed', SIGABRT: 'aborted' };

const describeEnd = ({ exitCode, signal }: ProcessEnd): string => {
  if (signal) return `Runtime exited with error: signal: ${SIGNAL_NAMES[signal] ?? signal}`;
  if (exitCode === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${exitCode ?? 'unknown'}`;
};
