/** Chains of messages. A function that sends its work on to its own queue counts how often it did so, and whether anything moved. */
import { ReplicationError } from './errors.ts';

/** How far a chain has come. Every message that is sent on carries these two numbers. */
export interface Chain {
  /** How often the work was sent on. */
  hops: number;
  /** How many of the last hops moved nothing. */
  fruitless: number;
}

export const NEW_CHAIN: Chain = { hops: 0, fruitless: 0 };

/** Maximum number of hops in a row that move nothing. */
const FRUITLESS_LIMIT = 8;

/**
 * Returns the chain of the message that is sent on. Throws `no-progress` if too many hops in a row moved nothing. AWS does not stop
 * such a chain, because the functions declare that they run in loops.
 */
export const nextHop = ({ hops, fruitless }: Chain, hasMoved: boolean): Chain => {
  const next = { hops: hops + 1, fruitless: hasMoved ? 0 : fruitless + 1 };
  if (next.fruitless <= FRUITLESS_LIMIT) return next;
  throw new ReplicationError(
    'no-progress',
    `sent on ${next.hops} times, and the last ${next.fruitless} times nothing moved`,
  );
};
