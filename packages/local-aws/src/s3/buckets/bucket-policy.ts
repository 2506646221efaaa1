/**
 * Checks and stores a bucket policy.
 *
 * Sources: API_PutBucketPolicy.html; Amazon S3 User Guide "Policies and permissions in Amazon S3" (access-policy-language-overview.html)
 * and "Blocking public access to your Amazon S3 storage" (access-control-block-public-access.html). AWS does not document the error
 * messages; users have reported the ones used here.
 */
import type { PolicyDocument, PolicyKeeper, PolicyStatement } from '../../core/access.ts';
import { InvalidPrincipal, MalformedPolicy } from '../../iam/policy-errors.ts';
import { matchesWildcard } from '../../iam/wildcard.ts';
import { isPublicPolicy } from '../access/public-policy.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { S3State } from '../model/state.ts';

/**
 * Stores the text as the policy of the bucket. Throws MalformedPolicy unless the text is a policy for this bucket and its principals exist.
 * Throws AccessDenied for a public policy if the bucket blocks public policies.
 */
export const setPolicy = (state: S3State, bucket: Bucket, text: string): void => {
  const given = parseBucketPolicy(bucket, text);
  const document = keepPolicy(given, state.authorizer);
  const isPublic = isPublicPolicy(given);
  if (isPublic && bucket.publicAccessBlock?.BlockPublicPolicy === true)
    throw new S3Error('AccessDenied', {
      message:
        'Access Denied because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.',
    });
  replacePolicy(state, bucket, { text, document, isPublic });
};

export const removePolicy = (state: S3State, bucket: Bucket): void => replacePolicy(state, bucket, null);

const replacePolicy = (state: S3State, bucket: Bucket, policy: Bucket['policy']): void => {
  state.policies.changing(bucket.name, bucket.policy);
  bucket.policy = policy;
};

/** Returns the text of the policy. A role that was deleted after the policy was put appears as its id. */
export const policyText = (
  { text, document }: NonNullable<Bucket['policy']>,
  keeper: PolicyKeeper,
): string => {
  const shown = JSON.stringify(keeper.show(document));
  return shown === JSON.stringify(JSON.parse(text)) ? text : shown;
};

const keepPolicy = (given: PolicyDocument, keeper: PolicyKeeper): PolicyDocument => {
  try {
    return keeper.keep(given, 'resource');
  } catch (cause) {
    if (cause instanceof InvalidPrincipal)
      throw new S3Error('MalformedPolicy', {
        message: 'Invalid principal in policy',
        elements: { Detail: `"AWS" : "${cause.principal}"` },
        cause,
      });
    if (cause instanceof MalformedPolicy)
      throw new S3Error('MalformedPolicy', { message: cause.message, cause });
    throw cause;
  }
};

const MAX_BYTES = 20 * 1024;

const parseBucketPolicy = (bucket: Bucket, text: string): PolicyDocument => {
  const policy = parsePolicyText(text);
  if (!isRecord(policy)) throw malformed("Policies must be valid JSON and the first byte must be '{'");
  if (!('Statement' in policy)) throw malformed('Missing required field Statement');
  const { Statement: given } = policy;
  const statements: unknown[] = Array.isArray(given) ? given : [given];
  if (statements.length === 0) throw malformed('Could not parse the policy: Statement is empty!');
  if (!statements.every(isStatement)) throw malformed('Invalid policy syntax.');
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw malformed('Policy exceeds the maximum allowed document size.');
  for (const statement of statements) checkTargets(bucket, statement);
  return { ...policy, Statement: Array.isArray(given) ? statements : (statements[0] as PolicyStatement) };
};

/** Throws MalformedPolicy unless all actions are actions of S3, all resources belong to the bucket, and each action fits a resource. */
const checkTargets = (bucket: Bucket, statement: PolicyStatement): void => {
  const actions: string[] = [statement.Action ?? statement.NotAction ?? []].flat();
  const resources: string[] = [statement.Resource ?? statement.NotResource ?? []].flat();
  if (actions.length === 0) throw malformed('Missing required field Action');
  if (resources.length === 0) throw malformed('Missing required field Resource');
  if (!actions.every((action) => /^(\*|s3:.+)$/i.test(action))) throw malformed('Policy has invalid action');
  if (!resources.every((arn) => matchesWildcard(arn.split('/')[0] ?? '', bucket.arn)))
    throw malformed('Policy has invalid resource');
  if (statement.Action === undefined || statement.Resource === undefined) return;
  const fits = (action: string) =>
    /[*?]/.test(action) ||
    resources.some((arn) => /^[^/]*[*?]/.test(arn) || arn.includes('/') === isOfObjects(action));
  if (!actions.every(fits)) throw malformed('Action does not apply to any resource(s) in statement');
};

/** True if an action concerns objects, false if it concerns the bucket. */
const isOfObjects = (action: string): boolean =>
  /^s3:((get|put|delete|list)object|abortmultipart|bypassgov|initiaterepl|listmultipartuploadparts|objectowner|replicate|restoreobject|updateobject)/i.test(
    action,
  );

const malformed = (message: string): S3Error => new S3Error('MalformedPolicy', { message });

const parsePolicyText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new S3Error('MalformedPolicy', { cause });
  }
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** True if the elements that this file reads have the right types. IAM checks the others. */
const isStatement = (value: unknown): value is PolicyStatement =>
  isRecord(value) &&
  ['Action', 'NotAction', 'Resource', 'NotResource'].every((name) =>
    [value[name] ?? []].flat().every((item) => typeof item === 'string'),
  );
