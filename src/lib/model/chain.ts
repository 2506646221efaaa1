/**
 * Chains of messages. A function that sends its work on to its own queue counts how often it has done so, and how often in a row it made
 * no progress.
 */
import { ReplicationError } from './errors.ts';
import { isCount, isRecord } from './json.ts';

/** How far a chain has come. Every message that is sent on carries these two numbers. */
export interface Chain {
  /** How often the work was sent on. */
  hops: number;
  /** How many hops in a row, up to the last one, made no progress. */
  fruitless: number;
}

/**
 * A chain of transfers, each of which begins the transfer of a key anew. `version` identifies the version that the last transfer was to
 * move.
 */
export interface TransferChain extends Chain {
  version: string;
}

/** Reads the chain from one of our own messages. Returns null if the message began a chain. */
export const parseChain = (json: unknown): TransferChain | null => {
  if (!isRecord(json)) return null;
  const { hops, fruitless, version } = json;
  return isCount(hops) && isCount(fruitless) && typeof version === 'string'
    ? { hops, fruitless, version }
    : null;
};

export const NEW_CHAIN: Chain = { hops: 0, fruitless: 0 };

/** Maximum number of hops in a row that make no progress. */
const FRUITLESS_LIMIT = 8;

/**
 * Returns the chain of the message that is sent on. Throws `no-progress` if too many hops in a row made no progress. AWS does not stop
 * such a chain, because the configuration of the functions allows recursive loops.
 */
export const nextHop = ({ hops, fruitless }: Chain, hasMoved: boolean): Chain => {
  const next = { hops: hops + 1, fruitless: hasMoved ? 0 : fruitless + 1 };
  if (next.fruitless <= FRUITLESS_LIMIT) return next;
  throw new ReplicationError(
    'no-progress',
    `sent on ${next.hops} times, and the last ${next.fruitless} times nothing moved`,
  );
};
