import { asksForTags } from '../lib/model/filter.ts';
import type { ReplicationRule } from '../lib/model/rule.ts';

/** A kind of change to an object, with its names in S3's notifications and in EventBridge. */
export interface SourceChange {
  /**
   * Names in S3 event notifications.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
   */
  eventTypes: string[];
  /**
   * Matchers for the names in events from EventBridge.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-mapping-troubleshooting.html
   */
  detailTypes: (string | { prefix: string })[];
}

/** Returns the changes that a bucket must report: every change that one of its rules replicates. */
export const changesFor = (rules: ReplicationRule[]): SourceChange[] =>
  SOURCE_CHANGES.filter(({ concerns }) => rules.some(concerns)).map(({ eventTypes, detailTypes }) => ({
    eventTypes,
    detailTypes,
  }));

/** A rule that ignores tags has to know of new tags if it selects objects by them. */
export const readsTags = (rule: ReplicationRule): boolean => rule.tags === 'replicate' || asksForTags(rule);

const SOURCE_CHANGES: (SourceChange & { concerns(rule: ReplicationRule): boolean })[] = [
  { eventTypes: ['s3:ObjectCreated:*'], detailTypes: ['Object Created'], concerns: () => true },
  {
    eventTypes: ['s3:ObjectTagging:*'],
    detailTypes: ['Object Tags Added', 'Object Tags Deleted'],
    concerns: readsTags,
  },
  {
    eventTypes: ['s3:ObjectRestore:Completed'],
    detailTypes: ['Object Restore Completed'],
    // The archived object can be read from now on, no matter who requested the restore.
    concerns: () => true,
  },
  {
    eventTypes: ['s3:ObjectAcl:Put'],
    detailTypes: ['Object ACL Updated'],
    concerns: ({ acl }) => acl === 'replicate',
  },
  {
    // There is no such event for legal holds.
    eventTypes: ['s3:ObjectRetention:Put'],
    // AWS does not document the end of this name yet.
    detailTypes: [{ prefix: 'Object Retention' }],
    concerns: ({ destinations }) => destinations.some(({ objectLock }) => objectLock !== 'ignore'),
  },
  {
    eventTypes: ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*'],
    // EventBridge uses one name for both event types.
    detailTypes: ['Object Deleted'],
    // Newer versions may wait until an older version is restored. If the older version expires before that, this event lets them
    // continue.
    concerns: ({ deletes, versions, restore }) =>
      deletes === 'replicate' || (versions === 'all' && restore !== null),
  },
];
