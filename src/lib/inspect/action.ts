/** The input and the answer of an action of the inspect function. */
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

/** Answers one request. `fields` is the whole payload of the request. */
export type InspectAction = (fields: JsonRecord, deps: InspectDeps) => Promise<InspectAnswer>;

/** An answer, or everything that is wrong with the request. */
export type InspectAnswer = object | { problems: string[] };

/** The dependencies of one invocation. Nothing that they offer changes a bucket, a queue or a table, except `probing` and `prober`. */
export interface InspectDeps {
  configuration: ReplicationConfiguration;
  /** The buckets of both sides. The sessions at destinations may only read. */
  buckets: Buckets;
  /** The buckets of both sides. The sessions at destinations may begin uploads. */
  probing: Buckets;
  /** The prober's sessions at destinations may write, to find out whether S3 would accept a write. */
  prober: Prober;
  brakes: Pick<BrakeStore, 'load' | 'heldMs'>;
  circuits: Pick<CircuitStore, 'keepAnswers' | 'load'>;
  letters: Pick<KnownLetters, 'has'>;
  transfers: Pick<TransferStore, 'load' | 'rate' | 'all'>;
  versionReceipts: Pick<VersionReceipts, 'find'>;
  /** Reads the key that signs stamps, but never creates it. */
  signer: GetSigner;
  clock: Clock;
  /** The data of one invocation of the replicate function. Each dry run gets its own. */
  invocation(): Invocation;
}
