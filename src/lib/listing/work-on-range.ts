/** One range worked on by one invocation, of which many run at once without knowing each other. */
import type { Keyed } from './page.ts';
import type { Range } from './range.ts';
import {
  type Consume,
  createRangeWork,
  type RangeEnd,
  type RangeLimits,
  type RangePorts,
} from './range-work.ts';

export interface SharedRangePorts<E extends Keyed> extends RangePorts<E> {
  /** How many more could work. Asked after every page. */
  idle(): Promise<number>;
}

/** Cut into more parts at once, a range would make a ledger's transaction too large (DynamoDB: 100 items). */
const MAX_PARTS = 64;

/**
 * Works until the range is done or the time is over, and after every page cuts off parts for those who are idle: the ledger hears
 * of them in the same step in which it hears that they are no longer here. Throws what its ports throw; what was committed by then
 * stands.
 */
export const workOnRange = async <E extends Keyed>(
  range: Range,
  ports: SharedRangePorts<E>,
  limits: RangeLimits,
): Promise<RangeEnd> => {
  const consume = ports.consumerOf(range);
  const consumeAndShare: Consume<E> = async (stretch) => {
    const carry = await consume(stretch);
    const idle = await ports.idle();
    // Not more parts than there are pages for them.
    const parts = Math.min(idle + 1, MAX_PARTS, 1 + Math.floor(work.remainingPages()));
    if (parts > 1) await work.split(parts);
    return carry;
  };
  const work = createRangeWork(range, { ...ports, consumerOf: () => consumeAndShare }, limits);
  return work.run();
};
