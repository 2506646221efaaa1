import { createHash } from 'node:crypto';
import { coverWithoutOverlap } from '../lib/subscription/key-filter.ts';
import type { KeyFilter } from '../lib/subscription/key-filter.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';
import { changesFor } from './changes.ts';
import type { SourceChange } from './changes.ts';
import { pascalCase } from './cloudformation.ts';

/** A source bucket and the needs of all its rules together. */
export interface SubscribedBucket {
  bucket: string;
  /** Part of logical ids: the bucket's name, made unique by a hash since `a.b` and `a-b` look alike. */
  logicalName: string;
  events: 'eventbridge' | 's3';
  /** Filters of the rules, none overlapping another. */
  filters: KeyFilter[];
  /** The changes the bucket must report. The function filters again for rules that do not want all of them. */
  changes: SourceChange[];
}

/** In the order in which the buckets first appear in the rules. */
export function sourceBuckets(rules: ReplicationRule[]): SubscribedBucket[] {
  const byBucket = Map.groupBy(rules, (rule) => rule.source.bucket);
  return Array.from(byBucket, ([bucket, [first, ...others]]) => {
    const all = first ? [first, ...others] : others;
    return {
      bucket,
      logicalName: pascalCase(bucket) + createHash('sha256').update(bucket).digest('hex').slice(0, 6),
      events: first?.source.events ?? 's3',
      filters: coverWithoutOverlap(all.map(({ source }) => source)),
      changes: changesFor(all),
    };
  });
}
