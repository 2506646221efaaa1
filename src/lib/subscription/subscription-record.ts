/**
 * The record that the stack keeps of each subscription. With this record, a check notices a lost subscription and knows since
 * when events are missing.
 */
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
   * Since when events may be missing. Null if the subscription was not lost, or was repaired and the repair was announced. The
   * announcement follows the repair, so this value remains if the function crashes in between.
   */
  missingSinceMs: number | null;
  /** When a lasting problem was last announced; null: there is no such problem. */
  announcedMs: number | null;
  /** When the schedule repaired the subscription, in the last day. */
  repairsMs: number[];
  /**
   * When a deployment enabled EventBridge for the bucket; null: no deployment did, for example because EventBridge was already
   * enabled.
   */
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
  /** Finds the record of a bucket. Resolves to null if the bucket is not subscribed. */
  find(bucket: string): Promise<SubscriptionRecord | null>;
  /** Stores the subscription that a deployment wants. `state` is stored only if there is no record yet. */
  want(wanted: SubscriptionProperties, state: SubscriptionState): Promise<void>;
  /**
   * Replaces the state of a record. Changes nothing and resolves to false if the state has changed in the meantime, or if the
   * record is gone because the bucket was unsubscribed.
   */
  advance(record: SubscriptionRecord, next: SubscriptionState): Promise<boolean>;
  /** Removes the record of a bucket. Also succeeds if there is no record. */
  remove(bucket: string): Promise<void>;
}
