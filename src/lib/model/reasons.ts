/**
 * All reasons for which a hint can fail. The entry of a reason declares what happens to the message, and what an operator needs
 * to know. A reason without an entry does not compile.
 *
 * A hint that was not replicated is tried again, or needs a person, or needs nothing (see `decisions/002-failures.md`). If it
 * needs nothing, it has an outcome (`skip`) and no error, so this file has only the first two.
 */
export type Disposition = 'retry' | 'quarantine';

/** The entry of one reason. `meaning` and `fix` are full sentences. */
export interface ReasonEntry {
  disposition: Disposition;
  meaning: string;
  /** What the operator should do next. */
  fix: string;
  /** Whether the cause may end by itself. A redrive may then help although nobody has changed anything. */
  mayPass?: true;
  /** The command that removes a dead letter after the fix. `either`: a redrive or a discard. Left out: a redrive. */
  endedBy?: 'discard' | 'either';
}

/** How a failure that passes by itself is retried. `src/lib/delivery/backoff.ts` has the numbers. */
const TRIED_AGAIN =
  'Nothing to do: the hint is tried again within seconds, then about once a minute. After twelve failures and two hours it is quarantined as `retries-exhausted`.';

const REASON_ENTRIES = {
  throttled: {
    disposition: 'retry',
    meaning: 'AWS asked to slow down.',
    fix: TRIED_AGAIN,
  },
  'service-error': {
    disposition: 'retry',
    meaning: 'AWS failed.',
    fix: TRIED_AGAIN,
  },
  'connection-lost': {
    disposition: 'retry',
    meaning: 'A connection broke.',
    fix: TRIED_AGAIN,
  },
  'no-answer': {
    disposition: 'retry',
    meaning: 'AWS did not answer in time.',
    fix: 'Nothing to do: the hint is tried again.',
  },
  'expired-credentials': {
    disposition: 'retry',
    meaning: 'The credentials expired.',
    fix: `${TRIED_AGAIN} It gets new credentials.`,
  },
  'lost-race': {
    disposition: 'retry',
    meaning: 'The object kept changing.',
    fix: TRIED_AGAIN,
  },
  'in-progress': {
    disposition: 'retry',
    meaning: 'Another invocation works on the same hint.',
    fix: 'Nothing to do: the hint is tried again until the other invocation has ended, which takes at most seven minutes.',
  },
  'key-busy': {
    disposition: 'retry',
    meaning:
      'Another invocation writes the many versions that the key lacks, or the other side of a pair may put back what was just deleted.',
    fix: 'Nothing to do: the hint is tried again within seconds, later every few minutes.',
  },
  'out-of-time': {
    disposition: 'retry',
    meaning: 'The invocation had too little time left.',
    fix: 'Nothing to do: another invocation tries the hint at once, up to 100 times.',
  },
  'access-denied': {
    disposition: 'quarantine',
    meaning: 'For two minutes AWS refused an action on a bucket, an object or a KMS key.',
    fix: 'Compare the denied action with the policies of the role named in the message (source: the function role; destination: the replication role), of the bucket and of its KMS key, and for CopyObject and UploadPartCopy with the output of `s3-replicator config policy`. If the detail says that the bucket may belong to another account, check whose it is first; then redrive.',
  },
  'wrong-bucket-owner': {
    disposition: 'quarantine',
    meaning:
      'The bucket belongs to another account than expected, so nothing is read from it or written to it.',
    fix: 'Correct the name of the bucket in replication.yml. If the bucket was deleted and somebody else has taken its name, create another bucket and write its name. If it belongs to a third account on purpose, write `account:` beside its name (and `BucketAccount` in the stack of destination/template.yml). Deploy; then redrive.',
  },
  'assume-role-denied': {
    disposition: 'quarantine',
    meaning: 'For two minutes STS refused to let the function assume the role.',
    fix: "Check that the role exists, trusts the function's role and expects this external id: today's destination/template.yml has a role that writes and one, `…-compare`, that backfill and verify use; then redrive.",
  },
  'secret-unreadable': {
    disposition: 'quarantine',
    meaning:
      'For two minutes Secrets Manager refused the secret with the access key of the bucket, or the secret holds no access key.',
    fix: 'Check that the secret exists, that its policy and that of its KMS key let the function\'s role read it, and that its text is {"accessKeyId": "…", "secretAccessKey": "…"}; then redrive.',
  },
  'event-refused': {
    disposition: 'quarantine',
    meaning:
      'For two minutes EventBridge refused the events of replicas. The replicas are there and proven, only their events are missing.',
    fix: 'Deploy the stack again, and check that neither a permissions boundary, a service control policy nor the policy of a VPC endpoint denies its roles events:PutEvents on the default event bus; then redrive, which sends only the events.',
  },
  'unfit-service': {
    disposition: 'quarantine',
    meaning: 'The S3 service of the destination cannot do what the rule needs, as a probe found.',
    fix: 'See what `s3-replicator doctor` says about the destination: it names the option that makes do without, or the service must be updated. Deploy, run `s3-replicator doctor` again; then redrive.',
  },
  'unasked-service': {
    disposition: 'retry',
    meaning: 'Nobody has asked the S3 service of the destination yet what it can do.',
    fix: 'Run `s3-replicator doctor`, which asks it. `serverless deploy` does so too, unless `stack.doctor` is false.',
  },
  'no-such-bucket': {
    disposition: 'quarantine',
    meaning: 'The bucket does not exist.',
    fix: 'Create the bucket, or correct its name in replication.yml and deploy; then redrive.',
  },
  'wrong-region': {
    disposition: 'quarantine',
    meaning: 'The bucket is in another region.',
    fix: 'Correct the region of the bucket in replication.yml and deploy; then redrive.',
  },
  kms: {
    disposition: 'quarantine',
    meaning: 'For two minutes the KMS key was disabled, or the role was not allowed to use it.',
    fix: 'Enable the KMS key and allow the role to use it (kms:Decrypt at the source, kms:GenerateDataKey and kms:Decrypt at the destination); then redrive.',
  },
  'sse-c': {
    disposition: 'quarantine',
    meaning: 'The object is encrypted with a key that only its writer has (SSE-C).',
    fix: 'Copy the object with that key by hand, or rewrite it with another encryption; then discard the message.',
    endedBy: 'discard',
  },
  archived: {
    disposition: 'quarantine',
    meaning: 'The object is in an archive storage class and cannot be read.',
    fix: 'Restore the object (aws s3api restore-object): it is replicated as soon as it is restored. Or write `restore:` in the rule and deploy; then redrive.',
  },
  'object-lock': {
    disposition: 'quarantine',
    meaning: 'The source version is locked, and the destination bucket has no Object Lock.',
    fix: 'Enable Object Lock in the destination bucket, or write `objectLock: ignore` for the destination (the only remedy for an event hold) and deploy; then redrive.',
  },
  'lock-too-long': {
    disposition: 'quarantine',
    meaning:
      'The retention of the source version is longer than `maxRetentionDays`, and the rule says `overMaxRetention: refuse`.',
    fix: 'Raise `maxRetentionDays` in replication.yml and `MaxRetentionDays` of the stack of destination/template.yml, or write `overMaxRetention: cap`, and deploy; then redrive.',
  },
  'acl-unsupported': {
    disposition: 'quarantine',
    meaning: 'The destination bucket has ACLs disabled (bucket owner enforced).',
    fix: 'Enable ACLs in the destination bucket, or write `acl: ignore` in the rule and deploy; then redrive.',
  },
  'bad-checksum': {
    disposition: 'quarantine',
    meaning:
      'The bytes do not match the stored checksum of the source object, or nothing proves that they do.',
    fix: 'Check the source object, and the replica too, since it may have been written; then redrive.',
  },
  'malformed-message': {
    disposition: 'quarantine',
    meaning: 'The message is not an S3 event.',
    fix: 'Find out who sends to the live queue besides S3, then discard the message.',
    endedBy: 'discard',
  },
  'unknown-rule': {
    disposition: 'quarantine',
    meaning: 'No rule or destination in replication.yml matches the message any more.',
    fix: 'Put the rule or destination back and deploy, then redrive. If it was renamed, start a backfill of the rule with the new name, then discard the message; if it was removed on purpose, discard the message.',
    endedBy: 'either',
  },
  'rule-changed': {
    disposition: 'quarantine',
    meaning: 'The rule or the destination of a run is no longer what the run was started for.',
    fix: 'Cancel the run and start a new one. If the command used another replication.yml than the deployed one, deploy first. To continue the run, deploy the earlier configuration and resume it.',
  },
  'too-large': {
    disposition: 'quarantine',
    meaning: 'A part of the object does not fit into one invocation.',
    fix: 'Raise the time-out of the function, or let S3 copy the object (`copy: auto`, see `s3-replicator config policy`); then redrive.',
  },
  'key-too-long': {
    disposition: 'quarantine',
    meaning: 'With the destination prefix the key exceeds 1,024 bytes.',
    fix: 'Shorten the destination prefix in replication.yml and deploy; then redrive.',
  },
  'empty-key': {
    disposition: 'quarantine',
    meaning:
      'The key equals the source prefix of the rule, and the destination prefix is empty: nothing is left of the key.',
    fix: 'Give the destination a prefix in replication.yml and deploy, then redrive; or delete the folder object and discard the message.',
    endedBy: 'either',
  },
  'invalid-request': {
    disposition: 'quarantine',
    meaning: 'S3 refused the request for the reason given in the detail.',
    fix: 'Fix the cause that the detail gives; then redrive.',
  },
  'other-deployment': {
    disposition: 'quarantine',
    meaning:
      'The destination shows the replica of another source, signed by a deployment that the rule names under `source.replicators`. It is not overwritten.',
    fix: 'Let only one of the two deployments write this key: change the destination prefix of one of them and deploy; then redrive, or discard the message.',
    endedBy: 'either',
  },
  'newer-release': {
    disposition: 'quarantine',
    meaning: 'A newer release wrote the message or the record, and this release cannot read it.',
    fix: 'Use the command line of the newer release, and deploy the newer release again; then redrive.',
  },
  'retries-exhausted': {
    disposition: 'quarantine',
    meaning: 'Every retry failed; the detail gives the last failure.',
    fix: 'Wait until the cause of the last failure is gone, or fix it; then redrive.',
    mayPass: true,
  },
  'crashed-or-timed-out': {
    disposition: 'quarantine',
    meaning: 'The function crashed or ran out of time on the message, again and again.',
    fix: 'Find the request of the message in the log of the replicate function (docs/operations.md) and fix the cause; then redrive.',
    mayPass: true,
  },
  'no-progress': {
    disposition: 'quarantine',
    meaning: 'The work was sent on again and again, and nothing moved.',
    fix: 'Fix what the retries in the log of the function name; then redrive a message, or resume a run.',
    mayPass: true,
  },
  'over-budget': {
    disposition: 'quarantine',
    meaning: 'A scheduled verify used more than its budget, and was stopped.',
    fix: 'Raise `maxRequests` or `maxDollars` under `verify` of the rule and deploy, or start a verify yourself.',
  },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof REASON_ENTRIES;

export const reasonEntry = (reason: Reason): ReasonEntry => REASON_ENTRIES[reason];

/** All reasons, in the order in which documents and help texts list them. */
export const ALL_REASONS = Object.keys(REASON_ENTRIES).filter(
  (name): name is Reason => name in REASON_ENTRIES,
);

/**
 * Returns true if AWS refused because a permission is missing. A new permission in IAM, a key policy or a trust policy takes up to a
 * minute to take effect, so such a refusal may pass. A bucket of another account causes the same refusal, and a new bucket may still be
 * missing in the listing of its owner.
 */
export const isPermission = (reason: Reason): boolean =>
  reason === 'access-denied' ||
  reason === 'wrong-bucket-owner' ||
  reason === 'assume-role-denied' ||
  reason === 'secret-unreadable' ||
  reason === 'event-refused' ||
  reason === 'kms';
