/** The lines that the functions log about keys: how to ask CloudWatch Logs for them, and how to read one. */
import { isRecord, parsedJson, textOrNull } from '../model/json.ts';
import { hashedKey } from '../text/hashed-key.ts';

export interface LogQuery {
  rule: string | null;
  key: string | null;
  /** Only lines with this message, e.g. `quarantined`. Default: all lines about outcomes. */
  message?: string;
  /** Milliseconds since the epoch. */
  sinceMs: number;
}

export interface LogLine {
  /** ISO 8601. */
  time: string;
  /** What happened: `replicated`, `retry`, `quarantined` and so on. */
  message: string;
  rule: string | null;
  destination: string | null;
  /** The key, or its hash if the stack says `loggedKeys: hashed`. */
  key: string | null;
  version: string | null;
  reason: string | null;
  detail: string | null;
  requestId: string | null;
}

export interface LogsFound {
  /** The oldest first. */
  lines: LogLine[];
  /** False if there may be more lines than were read. */
  isComplete: boolean;
}

/** The logs of the functions that replicate. Its function throws ReplicationError. */
export interface LogReader {
  find(query: LogQuery): Promise<LogsFound>;
}

/** The texts that a filter pattern may contain unchanged. In a quoted text, `*` matches any characters. */
const PLAIN = /^[\w !#$%&'()+,./:;<=>?@[\]^`{|}~-]*/;

/**
 * Returns the filter pattern of a query. The pattern searches for the key and for its hash, because only the stack knows whether it logs
 * hashes. The pattern may also match lines about other keys. {@link concerns} removes those lines.
 */
export const logPattern = ({ rule, key, message }: Pick<LogQuery, 'rule' | 'key' | 'message'>): string => {
  const conditions = [
    ...(message === undefined ? [] : [`$.message = ${quoted(message)}`]),
    ...(rule === null ? [] : [`$.rule = ${quoted(rule)}`]),
    ...(key === null ? [] : [`$.key = ${quoted(key)} || $.key = "${hashedKey(key)}"`]),
  ];
  return conditions.length === 0
    ? '{ $.ending = "*" }'
    : `{ ${conditions.map((each) => `(${each})`).join(' && ')} }`;
};

const quoted = (text: string): string => {
  const [plain = ''] = PLAIN.exec(text) ?? [];
  return JSON.stringify(plain === text ? text : `${plain}*`);
};

/** Reads one line. Returns null if it is not about the outcome of a hint. */
export const logLineIn = (text: string, atMs: number): LogLine | null => {
  const json = parsedJson(text);
  if (!isRecord(json) || textOrNull(json['ending']) === null) return null;
  const field = (name: string): string | null => textOrNull(json[name]);
  return {
    time: new Date(atMs).toISOString(),
    message: field('message') ?? 'unknown',
    rule: field('rule'),
    destination: field('destination'),
    key: field('key'),
    version: field('version'),
    reason: field('reason'),
    detail: field('detail'),
    requestId: field('function_request_id'),
  };
};

/** Returns true if the line is about exactly this rule and key. */
export const concerns = ({ rule, key }: Pick<LogQuery, 'rule' | 'key'>, line: LogLine): boolean =>
  (rule === null || line.rule === rule) && (key === null || line.key === key || line.key === hashedKey(key));
