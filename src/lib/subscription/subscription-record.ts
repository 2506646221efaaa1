/** What the stack remembers about each subscription, so that a lost one is noticed and the gap in its events is known. */
import type { SubscriptionProperties } from './subscription.ts';

export interface SubscriptionRecord {
  /** The subscription that the last deployment made. */
  wanted: SubscriptionProperties;
  state: SubscriptionState;
}

/** All times are milliseconds since the epoch. */
export interface SubscriptionState {
  /** When the bucket was last seen to be subscribed. */
  goodMs: number;
  /**
   * Since when events may be missing. Null if no subscription was lost since the last one that was repaired and announced. A
   * repair is announced after it is made, so this value outlives a crash in between.
   */
  missingSinceMs: number | null;
  /** When a problem that lasts was last announced; null: there is none. */
  announcedMs: number | null;
  /** When the schedule repaired the subscription, in the last day. */
  repairsMs: number[];
  /** When a deployment switched EventBridge on for the bucket; null: never, or it was on before. */
  switchedOnMs: number | null;
}

export const newSubscription = (nowMs: number): SubscriptionState => ({
  goodMs: nowMs,
  missingSinceMs: null,
  announcedMs: null,
  repairsMs: [],
  switchedOnMs: null,
});

/** The port for the records. A record exists from the deployment that subscribes a bucket to the one that unsubscribes it. */
export interface SubscriptionStore {
  list(): Promise<SubscriptionRecord[]>;
  /** Resolves to null if the bucket is not subscribed. */
  find(bucket: string): Promise<SubscriptionRecord | null>;
  /** Stores what a deployment wants. `state` is stored only if there is no record yet. */
  want(wanted: SubscriptionProperties, state: SubscriptionState): Promise<void>;
  /**
   * Replaces the state of a record. Changes nothing and resolves to false if the record has another state by now, or none because
   * the bucket was unsubscribed.
   */
  advance(record: SubscriptionRecord, next: SubscriptionState): Promise<boolean>;
  /** Also succeeds if there is no record. */
  remove(bucket: string): Promise<void>;
}
