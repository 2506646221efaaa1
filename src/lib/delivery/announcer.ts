/**
 * Announces proven replicas to the event bus, up to ten in one request. Events that the bus does not accept are kept as a message in the
 * live queue. Therefore replication does not wait for the event bus, and a failure of the bus loses no event.
 */
import { formatAnnouncement } from '../hint/announcement.ts';
import type { Clock } from '../model/ports.ts';
import { type Announcements, MOST_EVENTS, type ReplicaEvent } from '../model/replica-event.ts';
import type { Deps } from './deps.ts';
import type { Failure } from './failure.ts';

/** Resolves when the event bus or a queue has accepted the event. Throws if neither accepts it. */
export type Announce = (event: ReplicaEvent) => Promise<void>;

/** How long an event waits for others of the same batch, milliseconds. */
const GATHER_MS = 25;

/** The events that are sent in one request. */
interface Gathering {
  events: ReplicaEvent[];
  full: PromiseWithResolvers<void>;
  sent: Promise<void>;
}

const createAnnouncer = (announcements: Announcements, clock: Clock): Announce => {
  let open: Gathering | null = null;
  const begin = (): Gathering => {
    const events: ReplicaEvent[] = [];
    const full = Promise.withResolvers<void>();
    const gathering = { events, full, sent: Promise.resolve() };
    gathering.sent = Promise.race([clock.sleep(GATHER_MS), full.promise]).then(() => {
      if (open === gathering) open = null;
      return send(events, announcements);
    });
    return gathering;
  };
  return async (event) => {
    open ??= begin();
    const { events, full, sent } = open;
    events.push(event);
    if (events.length === MOST_EVENTS) {
      open = null;
      full.resolve();
    }
    await sent;
  };
};

/** Returns the function that announces replicas, or null if nothing is announced. */
export const announcerOf = ({
  announcements,
  clock,
}: Pick<Deps, 'announcements' | 'clock'>): Announce | null =>
  announcements === undefined ? null : createAnnouncer(announcements, clock);

/** The events of one message, which the bus did not accept before. */
export interface Kept {
  events: ReplicaEvent[];
}

/** Announces again. Resolves to the failure, if there is one. */
export const announceKept = async ({ events }: Kept, { announcements }: Deps): Promise<Failure[]> => {
  const refused = (await announcements?.bus.put(events)) ?? null;
  if (refused === null) return [];
  const again = formatAnnouncement(refused.events);
  return [{ error: refused.error, body: again, hint: null, assignment: null }];
};

const send = async (events: readonly ReplicaEvent[], { bus, keep }: Announcements): Promise<void> => {
  const refused = await bus.put(events);
  if (refused === null) return;
  if (keep === null) throw refused.error;
  await keep(formatAnnouncement(refused.events));
};
