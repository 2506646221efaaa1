/** What an action of the inspect function is given, and what it answers. */
import type { CircuitStore } from '../delivery/circuits.ts';
import type { KnownLetters } from '../delivery/known-letters.ts';
import type { TransferStore } from '../copy/transfer/transfer.ts';
import type { BrakeStore } from '../model/brake.ts';
import type { JsonRecord } from '../model/json.ts';
import type { Buckets, Clock, Invocation } from '../model/ports.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';
import type { GetSigner } from '../replica/stamp-signature.ts';
import type { VersionReceipts } from '../replica/version-receipt.ts';
import type { Prober } from './probed-place.ts';

/** Answers one request. `fields` is its whole payload. */
export type InspectAction = (fields: JsonRecord, deps: InspectDeps) => Promise<InspectAnswer>;

/** An answer, or everything that is wrong with the request. */
export type InspectAnswer = object | { problems: string[] };

/** The dependencies of one invocation. Nothing that they offer changes a bucket, a queue or a table, except `probing` and `prober`. */
export interface InspectDeps {
  configuration: ReplicationConfiguration;
  /** Both sides. The sessions at destinations may only read. */
  buckets: Buckets;
  /** Both sides. The sessions at destinations may begin uploads. */
  probing: Buckets;
  /** Its sessions at destinations may write, so that S3 says whether it would accept a write. */
  prober: Prober;
  brakes: Pick<BrakeStore, 'load' | 'heldMs'>;
  circuits: Pick<CircuitStore, 'load'>;
  letters: Pick<KnownLetters, 'has'>;
  transfers: Pick<TransferStore, 'load' | 'rate' | 'all'>;
  versionReceipts: Pick<VersionReceipts, 'find'>;
  /** Never creates the key. */
  signer: GetSigner;
  clock: Clock;
  /** What an invocation of the replicate function has. Each dry run gets one of its own. */
  invocation(): Invocation;
}
