/** The event that reports a proven replica to EventBridge (`announce: eventbridge`), and the port of the event bus. */
import type { ReplicationError } from './errors.ts';

/**
 * The source of our events. EventBridge does not accept our events under a name that begins with `aws.`, so no rule for S3's own events
 * matches them.
 */
export const EVENT_SOURCE = 's3-replicator';

export const DETAIL_TYPE = 'Object Replicated';

/** Maximum number of events in one request ("PutEvents", Amazon EventBridge API Reference). */
export const MOST_EVENTS = 10;

/** The detail of an event. The names are those of S3's own events. Fields that are not known are left out. ETags have no quotes. */
export interface ReplicaEvent {
  version: '1';
  rule: string;
  /** The source bucket. */
  bucket: { name: string };
  object: { key: string; size: number; etag?: string; 'version-id'?: string; 'last-modified': string };
  destination: { id: string; bucket: { name: string }; region: string };
  replica: {
    key: string;
    etag: string;
    'version-id'?: string;
    checksum?: { algorithm: string; type: string; value: string };
  };
  /** How the copy was proven (`Proof`). `found`: an earlier attempt proved it, and died before it could announce it. */
  proof: string;
  /** The run that found the object; left out: an event reported the object. */
  run?: string;
  /** ISO 8601. */
  'replicated-at': string;
}

/** The events that the bus has not accepted, and why. */
export interface Refused {
  events: ReplicaEvent[];
  error: ReplicationError;
}

export interface EventBus {
  /** Sends at most ten events in one request. Transient failures are tried again. Resolves to null if the bus has accepted all events. */
  put(events: readonly ReplicaEvent[]): Promise<Refused | null>;
}

/** The means by which replicas are announced. */
export interface Announcements {
  bus: EventBus;
  /**
   * Keeps a message from which the events are announced again; null: there is no queue for it, so the work itself fails and is tried
   * again.
   */
  keep: ((body: string) => Promise<void>) | null;
}
