/** Whether S3 itself copies what a rule replicates, so that no byte passes through the function. */
import type { Clock } from '../model/ports.ts';
import type { Destination, ReplicationRule } from '../model/rule.ts';
import type { Way } from './part-layout.ts';

export interface ServerSide {
  way(rule: ReplicationRule, destination: Destination): Way;
  /** With `copy: auto`, what the rule replicates is streamed there for the next 15 minutes; then somebody tries again. */
  refused(rule: ReplicationRule, destination: Destination): void;
}

/** A right that is granted takes effect so late at most, and one that is not costs a call so often. */
const REMEMBERED_MS = 15 * 60_000;

/** What one execution environment knows. That all roles are of one partition is checked in `configuration-checks.ts`. */
export const createServerSide = (clock: Clock): ServerSide => {
  const refusals = new Map<string, number>();
  return {
    way(rule, destination) {
      if (rule.copy !== 'auto') return rule.copy;
      // The rule says who may read the source: nobody else tries.
      if (rule.source.roleArn !== null) return 'stream';
      const untilMs = refusals.get(grantOf(rule, destination));
      return untilMs !== undefined && clock.now() < untilMs ? 'stream' : 'server-side';
    },
    refused(rule, destination) {
      refusals.set(grantOf(rule, destination), clock.now() + REMEMBERED_MS);
    },
  };
};

/** What the source account grants at once (`config policy`): another prefix of the bucket may well be readable. */
const grantOf = ({ source }: ReplicationRule, { roleArn }: Destination): string =>
  JSON.stringify([source.bucket, source.prefix, roleArn]);
