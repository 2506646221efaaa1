/**
 * Puts events on the default event bus.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
import { asReplicationError, ReplicationError } from '../model/errors.ts';
import { isRecord, type JsonRecord } from '../model/json.ts';
import { DETAIL_TYPE, EVENT_SOURCE, type EventBus, type ReplicaEvent } from '../model/replica-event.ts';
import { callJson, type OwnCredentials } from './signed-json.ts';
import { withPauses } from './with-pauses.ts';

export const createEventBus = (region: string, credentials: OwnCredentials): EventBus => ({
  async put(events) {
    let rest = [...events];
    try {
      await withPauses(
        async () => {
          const failed = await putOnce(rest, region, credentials);
          rest = failed.map(({ event }) => event);
          // If any error is transient, it is thrown first, so that all failed events are sent again. Otherwise the first refusal is
          // final.
          const first = failed.find(({ error }) => isTransient(error)) ?? failed[0];
          if (first !== undefined) throw first.error;
        },
        async (error) => isTransient(error),
      );
      return null;
    } catch (error) {
      return { events: rest, error: asReplicationError(error) };
    }
  },
});

const isTransient = (error: unknown): boolean =>
  error instanceof ReplicationError && error.disposition === 'retry';

interface Failed {
  event: ReplicaEvent;
  error: ReplicationError;
}

const putOnce = async (
  events: readonly ReplicaEvent[],
  region: string,
  credentials: OwnCredentials,
): Promise<Failed[]> => {
  const entries = events.map((event) => ({
    Source: EVENT_SOURCE,
    DetailType: DETAIL_TYPE,
    Detail: JSON.stringify(event),
  }));
  const called = await callJson({
    service: 'events',
    region,
    target: 'AWSEvents.PutEvents',
    input: { Entries: entries },
    credentials,
    what: 'PutEvents',
  });
  if ('answer' in called) return failuresIn(called.answer, events);
  const { status, code, message } = called;
  throw errorOf(status >= 500 ? 'InternalFailure' : code, message);
};

/** Returns the events that failed. The answer has one entry for each event, in their order. */
const failuresIn = ({ Entries: entries }: JsonRecord, events: readonly ReplicaEvent[]): Failed[] =>
  events.flatMap((event, index) => {
    const entry: unknown = Array.isArray(entries) ? entries[index] : undefined;
    if (isRecord(entry) && typeof entry['EventId'] === 'string') return [];
    const code = isRecord(entry) ? String(entry['ErrorCode']) : 'InternalFailure';
    const text = isRecord(entry) ? String(entry['ErrorMessage'] ?? '') : 'no answer for the event';
    return [{ event, error: errorOf(code, `PutEvents: ${code}: ${text}`) }];
  });

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html says which codes are transient. */
const errorOf = (code: string, message: string): ReplicationError => {
  if (code === 'InternalFailure') return new ReplicationError('service-error', message);
  return new ReplicationError(code === 'ThrottlingException' ? 'throttled' : 'event-refused', message);
};
