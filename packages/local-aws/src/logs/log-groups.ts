import { hash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';

/** Identifies a log group. */
export interface LogGroupPlace {
  accountId: string;
  region: string;
  name: string;
}

export interface LogEvent {
  /** A number that increases with each event of the group. */
  sequence: number;
  eventId: string;
  stream: string;
  timestampMs: number;
  ingestionMs: number;
  message: string;
}

interface LogGroup extends LogGroupPlace {
  streams: Set<string>;
  events: LogEvent[];
  bytes: number;
  sequence: number;
}

/** The log groups of all accounts and regions. The functions check no permissions. */
export interface LogGroups {
  /** Creates a log group. Returns false if it already exists. */
  create(place: LogGroupPlace): boolean;
  /** Deletes a log group. Returns false if it does not exist. */
  delete(place: LogGroupPlace): boolean;
  exists(place: LogGroupPlace): boolean;
  /** Returns the names of the log groups of an account and region, sorted. */
  names(place: Omit<LogGroupPlace, 'name'>): string[];
  /** Creates a log stream. Returns false if it already exists or its group does not exist. */
  createStream(place: LogGroupPlace, stream: string): boolean;
  hasStream(place: LogGroupPlace, stream: string): boolean;
  /** Adds an event. Creates the stream if necessary. The event is lost if the group does not exist. */
  write(place: LogGroupPlace, event: { stream: string; message: string; timestampMs?: number }): void;
  /** Returns the events in the order of their timestamps. */
  events(place: LogGroupPlace): readonly LogEvent[];
  clear(): void;
}

/** Maximum size of all messages of a group. If it is exceeded, the oldest events are dropped. */
const MAX_GROUP_BYTES = 32 * 1024 * 1024;

export const createLogGroups = (clock: Clock): LogGroups => {
  const groups = new Map<string, LogGroup>();
  const find = (place: LogGroupPlace): LogGroup | undefined => groups.get(arnOf(place));
  return {
    create(place) {
      if (find(place) !== undefined) return false;
      groups.set(arnOf(place), { ...place, streams: new Set(), events: [], bytes: 0, sequence: 0 });
      return true;
    },
    delete: (place) => groups.delete(arnOf(place)),
    exists: (place) => find(place) !== undefined,
    names: ({ accountId, region }) =>
      [...groups.values()]
        .filter((group) => group.accountId === accountId && group.region === region)
        .map(({ name }) => name)
        .toSorted(),
    createStream(place, stream) {
      const group = find(place);
      if (group === undefined || group.streams.has(stream)) return false;
      group.streams.add(stream);
      return true;
    },
    hasStream: (place, stream) => find(place)?.streams.has(stream) ?? false,
    write(place, { stream, message, timestampMs = clock.now() }) {
      const group = find(place);
      if (group === undefined) return;
      group.streams.add(stream);
      group.sequence += 1;
      const { sequence } = group;
      const eventId = BigInt(`0x${hash('sha256', `${arnOf(place)}/${sequence}`).slice(0, 44)}`).toString();
      group.events.push({ sequence, eventId, stream, timestampMs, ingestionMs: clock.now(), message });
      group.bytes += message.length;
      dropOldest(group);
    },
    events: (place) =>
      (find(place)?.events ?? []).toSorted((one, other) => one.timestampMs - other.timestampMs),
    clear: () => groups.clear(),
  };
};

/** Drops a quarter of the events at once, because each removal moves the rest of the list. */
const dropOldest = (group: LogGroup): void => {
  if (group.bytes <= MAX_GROUP_BYTES) return;
  const dropped = group.events.splice(0, Math.ceil(group.events.length / 4));
  group.bytes -= dropped.reduce((sum, { message }) => sum + message.length, 0);
};

export const arnOf = ({ accountId, region, name }: LogGroupPlace): string =>
  `arn:aws:logs:${region}:${accountId}:log-group:${name}`;
