/** One key of one rule for one destination: what a hint asks for. */
import type { Destination, ReplicationRule } from './rule.ts';

/** What a hint asks to be looked at besides the content; `attributes`: all that a verify compares and that can be mended. */
export type Concern = 'content' | 'tags' | 'acl' | 'attributes';

export interface Work {
  rule: ReplicationRule;
  destination: Destination;
  key: string;
  /** What the event said of the version; only saves work. */
  versionId: string | null;
  expectedBytes: number | null;
  concern: Concern;
  /** Whether a key that is absent at the source, without a delete marker, was deleted. */
  absenceIsDeletion: boolean;
  /** Whether a replicator made this change; null: nobody says. */
  byReplicator: boolean | null;
  /** Whether only what carries our stamp may be deleted, in a versioned bucket too. */
  onlyStamped: boolean;
  /** The run that sent the hint; null: none. */
  run: string | null;
}
