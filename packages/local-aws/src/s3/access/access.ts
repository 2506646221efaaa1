/**
 * Checks the caller's permission for an operation. IAM decides, based on condition keys that S3 provides.
 *
 * Source: Amazon S3 User Guide "How Amazon S3 authorizes a request" (how-s3-evaluates-access-control.html).
 */
import type { Caller, ContextValue } from '../../core/access.ts';
import { policiesFor } from './acl-access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { StoredObject } from '../model/object.ts';
import type { BucketContext } from '../protocol/request.ts';
import { effectivePolicy } from './public-policy.ts';
import { requestConditions } from './request-conditions.ts';

interface AccessTarget {
  /** The key that the action concerns; null or absent if the action concerns the whole bucket. */
  key?: string | null;
  /** The existing object that the action concerns; its owner and ACL affect the decision. */
  object?: StoredObject | undefined;
  /** The bucket of the target. Set only if it is not the request's bucket, as for the source of a copy. */
  bucket?: Bucket;
  conditions?: Record<string, ContextValue>;
}

/** Throws AccessDenied unless the caller may do the action. The error message explains the denial in S3's words. */
export const authorize = (context: BucketContext, action: string, target: AccessTarget = {}): void => {
  const decision = decide(context, action, target);
  if (decision.allowed) return;
  const { caller } = context.request.aws;
  const bucket = target.bucket ?? context.bucket;
  // S3 explains a denial only to callers from the bucket's own account.
  if (caller.kind !== 'session' || caller.accountId !== bucket.accountId) throw new S3Error('AccessDenied');
  const resource = resourceArn(bucket, target.key ?? null);
  throw new S3Error('AccessDenied', { message: deniedMessage(caller, action, resource, decision.reason) });
};

export const isAllowed = (context: BucketContext, action: string, target: AccessTarget = {}): boolean =>
  decide(context, action, target).allowed;

const resourceArn = (bucket: Bucket, key: string | null): string =>
  key === null ? bucket.arn : `${bucket.arn}/${key}`;

const decide = (context: BucketContext, action: string, target: AccessTarget) => {
  const { state, request } = context;
  const bucket = target.bucket ?? context.bucket;
  const resource = resourceArn(bucket, target.key ?? null);
  const { caller } = request.aws;
  const policy = effectivePolicy(bucket, state.policies.known(bucket.name, bucket.policy), caller);
  return state.authorizer.decide({
    caller,
    action,
    resource,
    ...policiesFor(bucket, policy, { object: target.object, resource, caller }),
    secureTransport: request.aws.secureTransport,
    context: { ...requestConditions(request, state.clock.now(), bucket.accountId), ...target.conditions },
  });
};

/** Returns the message of AccessDenied as S3 words it. */
export const deniedMessage = (caller: Caller, action: string, resource: string, reason: string): string => {
  const who = caller.kind === 'session' || caller.kind === 'root' ? caller.arn : caller.kind;
  return `User: ${who} is not authorized to perform: ${action} on resource: "${resource}" ${reason}`;
};
