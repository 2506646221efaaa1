/** Twins of the ports of subscriptions: the records of a stack, and the notification configurations of buckets. */
import type { BucketNotifications } from '../../src/lib/subscription/notification-change.ts';
import type { NotificationConfiguration } from '../../src/lib/subscription/subscription.ts';
import type {
  SubscriptionRecord,
  SubscriptionStore,
} from '../../src/lib/subscription/subscription-record.ts';

export interface MemoryStore extends SubscriptionStore {
  records: Map<string, SubscriptionRecord>;
}

export const createMemoryStore = (): MemoryStore => {
  const records = new Map<string, SubscriptionRecord>();
  return {
    records,
    list: async () => [...records.values()],
    find: async (bucket) => records.get(bucket) ?? null,
    async want(wanted, state) {
      records.set(wanted.bucket, { wanted, state: records.get(wanted.bucket)?.state ?? state });
    },
    async advance({ wanted: { bucket }, state }, next) {
      const present = records.get(bucket);
      if (JSON.stringify(present?.state) !== JSON.stringify(state) || present === undefined) return false;
      records.set(bucket, { ...present, state: next });
      return true;
    },
    async remove(bucket) {
      records.delete(bucket);
    },
  };
};

export interface MemoryNotifications extends BucketNotifications {
  /** The configuration of each bucket, by its name. */
  buckets: Map<string, NotificationConfiguration>;
  /** Called before each call takes effect, with `get` or `put` and the bucket. It may change buckets, or throw. */
  before(call: 'get' | 'put', bucket: string): void;
  /** The calls so far, such as `put acme-documents`. */
  calls: string[];
}

export const createMemoryNotifications = (): MemoryNotifications => {
  const twin: MemoryNotifications = {
    buckets: new Map(),
    before: () => {},
    calls: [],
    async get(bucket) {
      twin.calls.push(`get ${bucket}`);
      twin.before('get', bucket);
      return twin.buckets.get(bucket) ?? {};
    },
    async put(bucket, _accountId, configuration) {
      twin.calls.push(`put ${bucket}`);
      twin.before('put', bucket);
      twin.buckets.set(bucket, configuration);
    },
  };
  return twin;
};
