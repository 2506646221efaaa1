/** Decides whether S3 itself copies the objects of a rule, so that no byte passes through the function. */
import type { Clock } from '../model/ports.ts';
import { copiesInsideS3, type Destination, type ReplicationRule } from '../model/rule.ts';
import type { Way } from './part-layout.ts';

export interface ServerSide {
  way(rule: ReplicationRule, destination: Destination): Way;
  /**
   * Records that S3 refused to copy. With `copy: auto`, objects of the rule are then streamed to this destination for 15 minutes.
   * After that, S3 is tried again.
   */
  refused(rule: ReplicationRule, destination: Destination): void;
}

/**
 * How long a refusal is remembered. A new grant takes effect after this time at the latest. If the grant is still missing then,
 * one more request is refused.
 */
const REMEMBERED_MS = 15 * 60_000;

/** Creates a memory of the refusals within one execution environment. */
export const createServerSide = (clock: Clock): ServerSide => {
  const refusals = new Map<string, number>();
  return {
    way(rule, destination) {
      // A service cannot read from another one. If the rule names a separate role for reading the source, S3 is not asked either, because
      // it would read the source with the destination's role.
      if (!copiesInsideS3(rule, destination)) return 'stream';
      if (rule.copy === 'server-side') return 'server-side';
      const untilMs = refusals.get(grantOf(rule, destination));
      return untilMs !== undefined && clock.now() < untilMs ? 'stream' : 'server-side';
    },
    refused(rule, destination) {
      refusals.set(grantOf(rule, destination), clock.now() + REMEMBERED_MS);
    },
  };
};

/**
 * Returns the unit for which the source account grants access (`config policy`). If access to one prefix of the bucket is
 * refused, another prefix may still be readable.
 */
const grantOf = ({ source }: ReplicationRule, { roleArn }: Destination): string =>
  JSON.stringify([source.bucket, source.prefix, roleArn]);
