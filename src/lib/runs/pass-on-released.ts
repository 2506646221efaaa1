/**
 * Passes on the keys that operators have released from a brake. The command line only records the release, so that no operator
 * needs to send messages. The schedule then sends a hint for each key on the list, and converge looks at both sides once more.
 */
import type { Hint } from '../hint/hint.ts';
import { brakeName, type BrakeRecord, type HeldKey } from '../model/brake.ts';
import { mapConcurrently } from '../model/concurrency.ts';
import { type RuleDestination, ruleDestinations } from '../model/rule.ts';
import type { RunDeps } from './ports.ts';

const KEYS_AT_ONCE = 100;
/** How long the schedule works on released keys, so that it ends before it runs again. */
const WORK_MS = 40_000;

type Released = Pick<RunDeps, 'configuration' | 'brakes' | 'queues' | 'clock'>;

/** Resolves to the number of processed keys. The next call processes the others. */
export const passOnReleased = async (deps: Released): Promise<number> => {
  const untilMs = deps.clock.now() + WORK_MS;
  // A rule whose brake was switched off may still have a list of held keys.
  const braked = ruleDestinations(deps.configuration).filter(
    ({ rule }) => rule.brake !== null || rule.deletes === 'replicate',
  );
  if (braked.length === 0) return 0;
  const records = await deps.brakes.all();
  let count = 0;
  for (const where of braked) {
    const record = records.get(brakeName(where));
    if (record !== undefined && record.releasing !== null)
      count += await passOn(where, record, untilMs, deps);
  }
  return count;
};

const passOn = async (
  where: RuleDestination,
  { releasedMs, releasing }: BrakeRecord,
  untilMs: number,
  deps: Released,
): Promise<number> => {
  const { brakes, queues, clock } = deps;
  const name = brakeName(where);
  let count = 0;
  const dealWith = async (keys: HeldKey[]): Promise<void> => {
    if (releasing === 'pass-on') await queues.sendHints(keys.map((held) => hintFor(where, held)));
    await mapConcurrently(keys, KEYS_AT_ONCE, (held) =>
      releasing === 'pass-on' ? brakes.sent(name, held, clock.now()) : brakes.forget(name, held),
    );
    count += keys.length;
  };
  let keys: HeldKey[] = [];
  for await (const held of brakes.held(name)) {
    if (held.heldMs > releasedMs || held.sentMs !== null) continue;
    keys.push(held);
    if (keys.length < KEYS_AT_ONCE) continue;
    if (clock.now() > untilMs) return count;
    await dealWith(keys);
    keys = [];
  }
  if (keys.length > 0) await dealWith(keys);
  await brakes.released(name, releasedMs);
  return count;
};

const hintFor = ({ rule, destination }: RuleDestination, { key, kind }: HeldKey): Hint => ({
  bucket: rule.source.bucket,
  key,
  versionId: null,
  sizeBytes: null,
  kind,
  identity: null,
  principalId: null,
  rule: rule.id,
  destination: destination.id,
  run: null,
  released: true,
});
