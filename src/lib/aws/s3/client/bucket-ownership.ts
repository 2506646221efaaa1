/**
 * Finds out the cause of a refusal. S3 gives the same answer for a missing permission and for a bucket of another account. The listing of
 * the caller's own buckets tells the two apart.
 */
import { ListBucketsCommand, type S3Client } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';

/** The account that must own the buckets, and the account that makes the requests. */
export interface OwnerAndCaller {
  /** Resolves to the account to which the buckets must belong; null: any account. */
  owner(): Promise<string | null>;
  /** Resolves to the account of the credentials; null: unknown. */
  caller(): Promise<string | null>;
}

/**
 * Returns the unchanged refusal, or one that names the cause: `wrong-bucket-owner` if the bucket belongs to another account, or
 * `access-denied` with both possible causes.
 */
export type ExplainRefusal = (
  refusal: ReplicationError,
  asked: OwnerAndCaller & { client: S3Client; bucket: string; signal: AbortSignal },
) => Promise<ReplicationError>;

type Ownership = 'expected' | 'another' | 'unknown';

/** How long the answer about a bucket is remembered. */
const REMEMBERED_MS = 5 * 60_000;

/** Asks S3 about a bucket at most once every few minutes. Errors other than `access-denied` are returned unchanged. */
export const createExplainRefusal = (): ExplainRefusal => {
  const answers = new Map<string, { atMs: number; ownership: Promise<Ownership> }>();
  return async (refusal, asked) => {
    if (refusal.reason !== 'access-denied') return refusal;
    const { bucket } = asked;
    const owner = await asked.owner();
    if (owner === null) return refusal;
    const name = `${owner} ${bucket}`;
    const known = answers.get(name);
    const isFresh = known !== undefined && Date.now() - known.atMs < REMEMBERED_MS;
    const answer = isFresh ? known : { atMs: Date.now(), ownership: askOwnership(asked, owner) };
    answers.set(name, answer);
    return explained(refusal, await answer.ownership, { owner, bucket });
  };
};

const askOwnership = async (
  { caller, client, bucket, signal }: Parameters<ExplainRefusal>[1],
  owner: string,
): Promise<Ownership> => {
  try {
    // The listing shows the buckets of the caller's account only.
    if ((await caller()) !== owner) return 'unknown';
    const command = new ListBucketsCommand({ Prefix: bucket });
    const { Buckets: buckets = [], ContinuationToken: more } = await client.send(command, {
      abortSignal: signal,
    });
    if (buckets.some(({ Name }) => Name === bucket)) return 'expected';
    return more === undefined ? 'another' : 'unknown';
  } catch {
    return 'unknown';
  }
};

const explained = (
  refusal: ReplicationError,
  ownership: Ownership,
  { owner, bucket }: { owner: string; bucket: string },
): ReplicationError => {
  if (ownership === 'expected') return refusal;
  const { message, cause, requestId } = refusal;
  return ownership === 'another'
    ? new ReplicationError(
        'wrong-bucket-owner',
        `${message}. Account ${owner} has no bucket ${bucket}: it belongs to another account`,
        { cause, requestId },
      )
    : new ReplicationError(
        'access-denied',
        `${message}. S3 answers the same if ${bucket} does not belong to account ${owner}`,
        { cause, requestId },
      );
};
