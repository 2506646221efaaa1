/** The message with the events that the event bus has not accepted yet. */
import { isRecord, type JsonRecord } from '../model/json.ts';
import { MOST_EVENTS, type ReplicaEvent } from '../model/replica-event.ts';
import { schemaField } from '../model/schemas.ts';
import { asciiJson } from './ascii-json.ts';

export const formatAnnouncement = (events: readonly ReplicaEvent[]): string =>
  asciiJson({ 's3-replicator': 'announcement', ...schemaField('announcement'), events });

/** Maximum characters of one event. Its longest fields are two keys, and each byte of a key may take six characters. */
const MAX_EVENT_CHARACTERS = 20_000;

/** Returns the events, or null if the message contains anything else. */
export const parseAnnouncement = (json: JsonRecord): ReplicaEvent[] | null => {
  const { events } = json;
  return Array.isArray(events) && events.length <= MOST_EVENTS && events.length > 0 && events.every(isEvent)
    ? events
    : null;
};

const isEvent = (value: unknown): value is ReplicaEvent =>
  isRecord(value) &&
  value['version'] === '1' &&
  isRecord(value['object']) &&
  isRecord(value['replica']) &&
  JSON.stringify(value).length <= MAX_EVENT_CHARACTERS;
