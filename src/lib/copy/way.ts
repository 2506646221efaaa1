/** Decides whether S3 itself copies the objects of a rule, so that no byte passes through the function. */
import type { Clock } from '../model/ports.ts';
import type { Destination, ReplicationRule } from '../model/rule.ts';
import type { Way } from './part-layout.ts';

export interface ServerSide {
  way(rule: ReplicationRule, destination: Destination): Way;
  /** With `copy: auto`, objects of the rule are streamed to this destination for the next 15 minutes; then S3 is asked again. */
  refused(rule: ReplicationRule, destination: Destination): void;
}

/** How long a refusal is remembered. A new grant takes effect after this time at the latest; a missing one costs a request each time. */
const REMEMBERED_MS = 15 * 60_000;

/** The knowledge of one execution environment. `src/lib/configuration` checks that all roles are of one partition. */
export const createServerSide = (clock: Clock): ServerSide => {
  const refusals = new Map<string, number>();
  return {
    way(rule, destination) {
      if (rule.copy !== 'auto') return rule.copy;
      // The rule names the role that may read the source, so no other role tries to.
      if (rule.source.roleArn !== null) return 'stream';
      const untilMs = refusals.get(grantOf(rule, destination));
      return untilMs !== undefined && clock.now() < untilMs ? 'stream' : 'server-side';
    },
    refused(rule, destination) {
      refusals.set(grantOf(rule, destination), clock.now() + REMEMBERED_MS);
    },
  };
};

/** The unit that the source account grants (`config policy`): another prefix of the bucket may well be readable. */
const grantOf = ({ source }: ReplicationRule, { roleArn }: Destination): string =>
  JSON.stringify([source.bucket, source.prefix, roleArn]);
