/** Selects dead letters for a command. */
import { type DeadMessage, keysOf } from './dead-message.ts';
import type { ReceivedMessage } from './queue.ts';

/** Selects messages that match all fields. The entries of a list are alternatives. An empty list matches everything. */
export interface DeadMessageFilter {
  reasons: readonly string[];
  prefixes: readonly string[];
  rules: readonly string[];
  destinations: readonly string[];
  /** Only messages that came into the queue at this time or later, in milliseconds since the epoch; null: all. */
  sinceMs: number | null;
}

export const EVERY_MESSAGE: DeadMessageFilter = {
  reasons: [],
  prefixes: [],
  rules: [],
  destinations: [],
  sinceMs: null,
};

/** Returns whether the filter selects this message. If the body names several keys, one matching key is sufficient. */
export const filterWants = (
  { reasons, prefixes, rules, destinations, sinceMs }: DeadMessageFilter,
  seen: DeadMessage,
  message: ReceivedMessage,
): boolean =>
  oneOf(reasons, (reason) => reason === seen.reason) &&
  oneOf(rules, (rule) => rule === seen.rule) &&
  oneOf(destinations, (destination) => destination === seen.destination) &&
  oneOf(prefixes, (prefix) => keysOf(seen, message).some((key) => key.startsWith(prefix))) &&
  (sinceMs === null || message.sentMs >= sinceMs);

/** Returns whether the filter selects all messages. */
export const filterIsEmpty = ({
  reasons,
  prefixes,
  rules,
  destinations,
  sinceMs,
}: DeadMessageFilter): boolean =>
  reasons.length + prefixes.length + rules.length + destinations.length === 0 && sinceMs === null;

const oneOf = (values: readonly string[], test: (value: string) => boolean): boolean =>
  values.length === 0 || values.some(test);
