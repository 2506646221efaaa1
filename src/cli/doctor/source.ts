import type { ReplicationRule } from '../../lib/model/rule.ts';
import type { SubscribedBucket } from '../../stack/source-buckets.ts';

/** A source bucket and the rules that read it. */
export interface Source {
  bucket: string;
  owner: string;
  rules: ReplicationRule[];
  subscribed: SubscribedBucket;
}
