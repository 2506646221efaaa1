import { deflateRawSync } from 'node:zlib';
import { AwsError } from '../front/aws-error.ts';
import type { PolicyDocument } from '../core/access.ts';
import { invalid } from './invalid.ts';

/** The session policy of an AssumeRole call. */
export interface SessionPolicy {
  policy: PolicyDocument;
  /** How much of the limit for packed policies the policy uses, in percent. */
  packedPercent: number;
}

/**
 * Maximum size, in bytes, of a packed policy. AWS publishes neither the format nor the limit. In its example, a policy of 100 characters
 * with three tags uses 8 percent, so this limit is stricter than AWS's.
 */
const MAXIMUM_PACKED_BYTES = 1_024;

/**
 * Parses the session policy that is passed to AssumeRole.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy, PackedPolicySize, PackedPolicyTooLarge)
 */
export function parseSessionPolicy(text: string): SessionPolicy {
  if (text.length > 2048) throw invalid('…', 'policy', 'Member must have length less than or equal to 2048');
  if (!/^[\t\n\r\u0020-\u00ff]+$/.test(text)) {
    const pattern = String.raw`[\u0009\u000A\u000D\u0020-\u00FF]+`;
    throw invalid('…', 'policy', `Member must satisfy regular expression pattern: ${pattern}`);
  }
  const packedPercent = Math.ceil((deflateRawSync(text).length * 100) / MAXIMUM_PACKED_BYTES);
  if (packedPercent > 100) {
    throw new AwsError(
      'PackedPolicyTooLarge',
      `Packed policy consumes ${packedPercent}% of allotted space, please use smaller policy.`,
    );
  }
  try {
    const policy: PolicyDocument = JSON.parse(text);
    return { policy, packedPercent };
  } catch {
    throw new AwsError('MalformedPolicyDocument', 'This policy contains invalid Json');
  }
}
