/**
 * Decides whether a bucket policy is public.
 *
 * Source: Amazon S3 User Guide "Blocking public access to your Amazon S3 storage", "The meaning of 'public'"
 * (access-control-block-public-access.html#access-control-block-public-access-policy-status).
 */
import type { Caller, PolicyDocument, PolicyStatement } from '../../core/access.ts';
import type { Bucket } from '../model/bucket.ts';

/** True if a statement allows something to everyone, unless a condition limits it to certain addresses, accounts or other fixed values. */
export const isPublicPolicy = (document: PolicyDocument): boolean =>
  [document.Statement].flat().some((statement) => allowsEveryone(statement) && !isLimited(statement));

/**
 * Returns the policy that applies to a caller. If RestrictPublicBuckets is on and the policy is public, its Allow statements do not apply
 * to anonymous callers and to other accounts, even to accounts that they name. AWS services are not restricted.
 */
export const effectivePolicy = (
  { publicAccessBlock, accountId }: Bucket,
  policy: Bucket['policy'],
  caller: Caller,
): PolicyDocument | undefined => {
  if (policy === null) return undefined;
  const isOutside =
    caller.kind === 'anonymous' || (caller.kind !== 'service' && caller.accountId !== accountId);
  if (!policy.isPublic || !isOutside || publicAccessBlock?.RestrictPublicBuckets !== true)
    return policy.document;
  const denying = [policy.document.Statement].flat().filter(({ Effect }) => Effect === 'Deny');
  return { ...policy.document, Statement: denying };
};

const allowsEveryone = ({ Effect: effect, Principal: principal }: PolicyStatement): boolean =>
  effect === 'Allow' &&
  (principal === '*' || (typeof principal === 'object' && [principal['AWS'] ?? []].flat().includes('*')));

const isLimited = ({ Condition: condition = {} }: PolicyStatement): boolean =>
  Object.entries(condition).some(
    ([operator, keys]) =>
      LIMITING_OPERATORS.test(operator) &&
      Object.entries(keys).some(([key, value]) => {
        const values = [value].flat().map(String);
        const name = key.toLowerCase();
        return name === 'aws:sourceip'
          ? operator === 'IpAddress' && values.every(isNarrow)
          : LIMITING_KEYS.has(name) && values.every((text) => !/[*?]|\$\{/.test(text));
      }),
  );

const LIMITING_OPERATORS = /^(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|IpAddress)$/;

const LIMITING_KEYS = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principalorgid',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourceowner',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:userid',
  's3:dataaccesspointaccount',
  's3:dataaccesspointarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
]);

/** True for a narrow range of addresses, which fixes at least 8 bits of an IPv4 address or 32 bits of an IPv6 address. */
const isNarrow = (range: string): boolean => {
  const [address = '', bits] = range.split('/');
  return bits === undefined || Number(bits) >= (address.includes(':') ? 32 : 8);
};
