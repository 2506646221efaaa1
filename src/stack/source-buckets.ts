import { createHash } from 'node:crypto';
import { coverWithoutOverlap } from '../lib/subscription/key-filter.ts';
import type { KeyFilter } from '../lib/subscription/key-filter.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';
import { changesFor } from './changes.ts';
import type { SourceChange } from './changes.ts';
import { pascalCase } from './cloudformation.ts';

/** A source bucket, and the combined needs of all rules with this source. */
export interface SubscribedBucket {
  bucket: string;
  /** The bucket's name as a part of logical ids. A hash makes it unique, because `a.b` and `a-b` would otherwise be the same. */
  logicalName: string;
  /** The account that owns the bucket; null: the account of the stack. */
  account: string | null;
  events: 'eventbridge' | 's3';
  /** The filters of the rules, merged so that none overlaps another. */
  filters: KeyFilter[];
  /** The changes that the bucket must report. If a rule does not want all of them, the replicate function filters again. */
  changes: SourceChange[];
  /** The ids of the rules. */
  rules: string[];
}

/** Returns the buckets that announce changes, in the order in which they first appear in the rules. */
export function sourceBuckets(rules: ReplicationRule[]): SubscribedBucket[] {
  const announced = rules.filter(({ source }) => source.events !== 'none');
  const byBucket = Map.groupBy(announced, (rule) => rule.source.bucket);
  return Array.from(byBucket, ([bucket, [first, ...others]]) => {
    const all = first ? [first, ...others] : others;
    return {
      bucket,
      logicalName: pascalCase(bucket) + createHash('sha256').update(bucket).digest('hex').slice(0, 6),
      account: first?.source.account ?? null,
      events: first?.source.events === 'eventbridge' ? 'eventbridge' : 's3',
      filters: coverWithoutOverlap(all.map(({ source }) => source)),
      changes: changesFor(all),
      rules: all.map(({ id }) => id),
    };
  });
}
