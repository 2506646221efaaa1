/** The observations of a probe at one destination of a rule. The function reports the answers of AWS. The command explains them. */
import type { ProbeStep } from '../model/probe-step.ts';
import type { Destination, ReplicationRule } from '../model/rule.ts';
import type { ServiceAnswers } from '../model/service-answers.ts';

export interface ProbedPlace {
  rule: string;
  destination: string;
  /** Which ways to assume the role worked; null: the destination has no role, but a `service`. */
  trust: ProbedTrust | null;
  /** Whether the secret of the service was read; null: the destination has a role. */
  secret: ProbeStep | null;
  /** The observations in the bucket; null: no session could be begun. */
  bucket: ProbedBucket | null;
  /** What the service can do; null: the destination has a role, or the bucket cannot be used. */
  service: ServiceAnswers | null;
  source: ProbeStep[];
  steps: ProbeStep[];
}

export interface ProbedTrust {
  /**
   * `withId`, `withoutId` and `withOtherId`: whether the role could be assumed with the external id of the rule, without an
   * external id, and with another one.
   */
  withId: ProbeStep['answer'];
  withoutId: ProbeStep['answer'];
  withOtherId: ProbeStep['answer'];
  /** Whether a session may have a source identity, which names the function that began the session. */
  withName: ProbeStep['answer'];
  detail: string;
}

export interface ProbedBucket {
  /** The region that S3 names; null: S3 named none. */
  region: string | null;
  /** `missing`: there is no such bucket; `others`: the account of the role has no such bucket. */
  existence: 'there' | 'missing' | 'others' | 'unknown';
  versioning: 'Enabled' | 'Suspended' | 'never' | null;
  /** Whether the bucket has Object Lock; null: unknown. */
  hasObjectLock: boolean | null;
  defaultRetention: { mode: string; days: number } | null;
  /** The lifecycle rule that S3 said would abort the upload of the probe; null: none. Undefined: no upload was begun. */
  abortRule?: string | null;
  /** Whether S3 copied a source object into the upload; null: it was not tried, because there is no object or the rule does not want it. */
  copied: ProbeStep | null;
  /** Calls that the role must be denied. Absent if none was tried. */
  guards?: ProbeStep[];
}

/** Tries everything that replication needs at a destination, and leaves nothing behind. */
export interface Prober {
  probe(rule: ReplicationRule, destination: Destination): Promise<ProbedPlace>;
}
