/**
 * The one error type that leaves `lib`, and what each of its reasons means for the hint at hand.
 *
 * A failure has three possible endings (see `decisions/002-failures.md`): it is tried again, there is nothing left to
 * do, or a person must act. `skip` is an outcome, not an error, so only the other two stand here.
 */

export type Disposition = 'retry' | 'quarantine';

interface ReasonEntry {
  disposition: Disposition;
  /** What the operator should do next, in one sentence. */
  fix: string;
}

/** Every reason a hint can fail for. Closed: a new reason needs a disposition and a fix to compile. */
const REASONS = {
  throttled: { disposition: 'retry', fix: 'Nothing to do: AWS asked to slow down, the hint is tried again.' },
  'service-error': { disposition: 'retry', fix: 'Nothing to do: AWS failed, the hint is tried again.' },
  'connection-lost': {
    disposition: 'retry',
    fix: 'Nothing to do: a connection broke, the hint is tried again.',
  },
  'expired-credentials': { disposition: 'retry', fix: 'Nothing to do: new credentials are fetched.' },
  'lost-race': {
    disposition: 'retry',
    fix: 'Nothing to do: the object kept changing, the hint is tried again.',
  },
  'in-progress': { disposition: 'retry', fix: 'Nothing to do: another invocation works on the same hint.' },
  'out-of-time': {
    disposition: 'retry',
    fix: 'Nothing to do: the invocation ended too soon, the hint gets a new one.',
  },
  'access-denied': {
    disposition: 'quarantine',
    fix: 'Compare the denied action with the role named in the message (source: the function role; destination: the replication role), its bucket policy and its KMS key policy (of CopyObject and UploadPartCopy, with what `s3-replicator config policy` prints); then redrive.',
  },
  'assume-role-denied': {
    disposition: 'quarantine',
    fix: 'Check that the replication role exists, trusts the function role and expects this external id; then redrive.',
  },
  'no-such-bucket': {
    disposition: 'quarantine',
    fix: 'Create the bucket or correct its name in replication.yml and deploy; then redrive.',
  },
  'wrong-region': {
    disposition: 'quarantine',
    fix: 'Correct the region of this bucket in replication.yml and deploy; then redrive.',
  },
  kms: {
    disposition: 'quarantine',
    fix: 'Enable the KMS key and allow the role to use it (kms:Decrypt at the source, kms:GenerateDataKey and kms:Decrypt at the destination); then redrive.',
  },
  'sse-c': {
    disposition: 'quarantine',
    fix: 'The object is encrypted with a key only its writer has (SSE-C): copy it with that key by hand, or rewrite it with another encryption.',
  },
  archived: {
    disposition: 'quarantine',
    fix: 'Restore the object from its archive storage class (aws s3api restore-object); then redrive.',
  },
  'object-lock': {
    disposition: 'quarantine',
    fix: 'The source version is locked and the destination bucket has no Object Lock: enable it there, or write `objectLock: ignore` for the destination and deploy; then redrive.',
  },
  'acl-unsupported': {
    disposition: 'quarantine',
    fix: 'The destination bucket has ACLs disabled (bucket owner enforced): enable them there, or write `acl: ignore` in the rule and deploy; then redrive.',
  },
  'bad-checksum': {
    disposition: 'quarantine',
    fix: 'The bytes read from the source do not match its stored checksum: check the source object, and the replica too, since it may have been written; then redrive.',
  },
  'malformed-message': {
    disposition: 'quarantine',
    fix: 'This is not an S3 event: find out who sends to the live queue, then delete the message.',
  },
  'unknown-rule': {
    disposition: 'quarantine',
    fix: 'The rule or destination this message names is not in replication.yml any more: put it back and deploy, or delete the message.',
  },
  'too-large': {
    disposition: 'quarantine',
    fix: 'A part of the object does not fit into one invocation: raise the time-out of the function, or let S3 copy it (`copy: auto`, see `config policy`); then redrive.',
  },
  'key-too-long': {
    disposition: 'quarantine',
    fix: 'With the destination prefix the key exceeds 1,024 bytes: shorten the prefix in replication.yml, deploy; then redrive.',
  },
  'invalid-request': {
    disposition: 'quarantine',
    fix: 'S3 refused the request for the reason given in detail: mend that; then redrive.',
  },
  'retries-exhausted': {
    disposition: 'quarantine',
    fix: 'The last failure is given in detail: when it is over, redrive.',
  },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof REASONS;

/** The disposition of a reason and what an operator does about it. */
export const reasonEntry = (reason: Reason): ReasonEntry => REASONS[reason];

/** All reasons, for documentation and for `dlq redrive --reason`. */
export const ALL_REASONS = Object.keys(REASONS).filter((name): name is Reason => name in REASONS);

/** A failure with a known meaning. `cause` is what S3, STS, SQS or DynamoDB threw. */
export class ReplicationError extends Error {
  override readonly name = 'ReplicationError';
  readonly reason: Reason;
  /** The AWS request id of the failed call, where there was one. */
  readonly requestId: string | null;

  constructor(reason: Reason, message: string, options: { cause?: unknown; requestId?: string | null } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.requestId = options.requestId ?? null;
  }

  get disposition(): Disposition {
    return REASONS[this.reason].disposition;
  }
}

/** Anything that is not ours is a fault of this program or of a library: tried again, and quarantined in the end. */
export const asReplicationError = (error: unknown): ReplicationError =>
  error instanceof ReplicationError
    ? error
    : new ReplicationError('service-error', error instanceof Error ? error.message : String(error), {
        cause: error,
      });
