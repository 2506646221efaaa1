/** An event bus in memory. */
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { Reason } from '../../src/lib/model/reasons.ts';
import type { Announcements, ReplicaEvent } from '../../src/lib/model/replica-event.ts';

/** Creates the bus. `refuses` returns the reason for which the bus refuses an event, or null if the bus accepts it. */
export const memoryEventBus = () => {
  /** The accepted events of each request. */
  const requests: ReplicaEvent[][] = [];
  const kept: string[] = [];
  const bus: { refuses: (event: ReplicaEvent) => Reason | null; keeps: boolean } = {
    refuses: () => null,
    keeps: true,
  };
  const announcements: Announcements = {
    bus: {
      async put(events) {
        const refused = events.filter((event) => bus.refuses(event) !== null);
        requests.push(events.filter((event) => bus.refuses(event) === null));
        const [reason] = refused.map((event) => bus.refuses(event));
        return reason === undefined || reason === null
          ? null
          : { events: refused, error: new ReplicationError(reason, 'the bus says no') };
      },
    },
    async keep(body) {
      if (!bus.keeps) throw new ReplicationError('throttled', 'slow down');
      kept.push(body);
    },
  };
  return { announcements, requests, kept, bus };
};
