/** Checks and stores a bucket policy. Source: API_PutBucketPolicy.html. */
import type { PolicyDocument } from '../../core/access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { S3State } from '../model/state.ts';

/** Stores the text as the policy of the bucket. Throws MalformedPolicy unless the text is a policy about this bucket. */
export const setPolicy = (state: S3State, bucket: Bucket, text: string): void => {
  replacePolicy(state, bucket, { text, document: parseBucketPolicy(bucket, text) });
};

export const removePolicy = (state: S3State, bucket: Bucket): void => replacePolicy(state, bucket, null);

const replacePolicy = (state: S3State, bucket: Bucket, policy: Bucket['policy']): void => {
  state.policies.changing(bucket.name, bucket.policy);
  bucket.policy = policy;
};

const parseBucketPolicy = (bucket: Bucket, text: string): PolicyDocument => {
  const policy = parsePolicyText(text);
  if (!isPolicy(policy))
    throw new S3Error('MalformedPolicy', {
      message: "Policies must be valid JSON and the first byte must be '{'",
    });
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  for (const statement of statements) {
    if (statement.Principal === undefined && statement.NotPrincipal === undefined)
      throw new S3Error('MalformedPolicy', { message: 'Missing required field Principal' });
    const resources = [statement.Resource ?? statement.NotResource ?? []].flat();
    const isAbout = (arn: string) =>
      arn === bucket.arn || arn.startsWith(`${bucket.arn}/`) || /[*?]/.test(arn);
    if (resources.length === 0 || !resources.every(isAbout))
      throw new S3Error('MalformedPolicy', { message: 'Policy has invalid resource' });
  }
  return policy;
};

const parsePolicyText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new S3Error('MalformedPolicy', { cause });
  }
};

const isPolicy = (value: unknown): value is PolicyDocument =>
  typeof value === 'object' && value !== null && 'Statement' in value && typeof value.Statement === 'object';
