import { StringDecoder } from 'node:string_decoder';

/**
 * The start of the marker that the bootstrap prints on stdout and stderr when an invocation ends. It begins with a NUL, which a function is
 * unlikely to print.
 */
const END_MARKER = '\u0000end ';

export interface LogReader {
  read(chunk: Buffer): void;
  /** Reports the last line if the stream ended without a line feed. */
  flush(): void;
}

export interface LogReaderListener {
  onLine(line: string): void;
  /** Called when all output of an invocation on this stream has been read. */
  onEnd(requestId: string): void;
}

/** Splits an output stream of a function's process into lines and removes the bootstrap's end markers. */
export const createLogReader = (listener: LogReaderListener): LogReader => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const emit = (line: string): void => {
    const at = line.indexOf(END_MARKER);
    const text = at < 0 ? line : line.slice(0, at);
    if (text !== '') listener.onLine(text);
    if (at >= 0) listener.onEnd(line.slice(at + END_MARKER.length));
  };
  return {
    read: (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) emit(line);
    },
    flush: () => {
      emit(rest + decoder.end());
      rest = '';
    },
  };
};

/** A parsed log line in CloudWatch's embedded metric format. Its member `_aws` describes which other members are metrics. */
export interface MetricLine extends Record<string, unknown> {
  _aws: Record<string, unknown>;
}

/** Parses a log line with embedded metrics. Returns null for any other log line. */
export const parseMetricLine = (line: string): MetricLine | null => {
  if (!line.startsWith('{') || !line.includes('"_aws"')) return null;
  try {
    const value: unknown = JSON.parse(line);
    return isMetricLine(value) ? value : null;
  } catch {
    return null;
  }
};

const isMetricLine = (value: unknown): value is MetricLine =>
  typeof value === 'object' &&
  value !== null &&
  '_aws' in value &&
  typeof value._aws === 'object' &&
  value._aws !== null &&
  'CloudWatchMetrics' in value._aws;
