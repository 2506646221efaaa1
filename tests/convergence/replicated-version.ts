/** One source version that has been replicated already. */
import type { Concern } from '../../src/lib/model/task.ts';
import type { ReplicationRule, RoleDestination } from '../../src/lib/model/rule.ts';
import type { Gate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';
import { testDestination, testRule } from '../model/settings.ts';

export const DAY_MS = 86_400_000;

export interface ReplicatedSetting {
  rule?: Partial<ReplicationRule>;
  destination?: Partial<RoleDestination>;
}

/**
 * Writes one version and replicates it. The returned `looks` converges again for a hint about a concern, and
 * returns the calls that changed the destination.
 */
export const replicatedVersion = async ({ rule = {}, destination }: ReplicatedSetting) => {
  const world = oneKey({ rule });
  const hint = { rule: testRule(rule), destination: testDestination(destination) };
  const { versionId } = world.source.put('k', Buffer.from('one'));
  await world.look(undefined, hint);
  const looks = async (concern: Concern, gate: Gate = async () => undefined) => {
    const writes: string[] = [];
    const watching: Gate = async (point, call) => {
      if (point === 'after' && /^destination\.(put|remove)/.test(call)) writes.push(call.split('.')[1] ?? '');
      return await gate(point, call);
    };
    const { outcome } = await world.look(watching, { ...hint, concern, versionId });
    return { outcome, writes };
  };
  return {
    ...world,
    versionId,
    repair: (gate?: Gate) => looks('attributes', gate),
    looks,
    content: () => looks('content'),
    days: (count: number) => world.clock.nowMs + count * DAY_MS,
  };
};
