import type { Caller } from '../core/access.ts';
import type { Iam } from '../iam/iam.ts';
import { AwsError } from './aws-error.ts';
import { protocolOf } from './protocol.ts';
import {
  type Signature,
  signatureMatches,
  type SignedRequest,
  type SigningKeys,
  timestampMs,
} from './signature.ts';

const allowedSkewMs = 15 * 60 * 1000;

/**
 * Who signed this request? Throws the {@link AwsError} the service in question answers to an unknown key, a wrong or expired
 * token or a wrong signature. Whether it was signed in time is {@link refuseWrongTime}'s to judge.
 * `payloadHash` is what the body hashes to, or what stands for it (S3).
 */
export function authenticate(
  request: SignedRequest,
  signature: Signature,
  payloadHash: string,
  { iam, signingKeys }: { iam: Iam; signingKeys: SigningKeys },
): Caller {
  const refuse = refusals[protocolOf(signature.service)];
  const key = iam.callerOf(signature.accessKeyId, signature.sessionToken);
  if (key.status !== 'active') throw refuse[key.status]();
  refuseUnsignedHeaders(request, signature);
  const signingKey = signingKeys(key.credentials.secretAccessKey, signature);
  if (!signatureMatches(request, signature, signingKey, payloadHash)) {
    throw refuse.wrongSignature(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    );
  }
  return key.caller;
}

/** Credentials that have expired, as the service in question words it. */
export function expiredCredentials(service: string): AwsError {
  return refusals[protocolOf(service)].expired();
}

/** A signature that cannot be read, worded for the service if one can be guessed at all. */
export function malformedSignature(): AwsError {
  return new AwsError(
    'AuthorizationHeaderMalformed',
    'The authorization header is malformed; a SigV4 signature with Credential, SignedHeaders and Signature is needed.',
  );
}

interface Refusals {
  unknown(): AwsError;
  'wrong-token'(): AwsError;
  expired(): AwsError;
  wrongSignature(message: string): AwsError;
  skewed(message: string): AwsError;
}

const invalidToken = 'The security token included in the request is invalid.';
const tooOld = 'The difference between the request time and the current time is too large.';

/** The same five refusals, as each protocol names them. */
const refusals: Record<'s3' | 'query' | 'json', Refusals> = {
  s3: {
    unknown: () =>
      forbidden('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.'),
    'wrong-token': () =>
      new AwsError('InvalidToken', 'The provided token is malformed or otherwise invalid.'),
    expired: () => new AwsError('ExpiredToken', 'The provided token has expired.'),
    wrongSignature: (message) => forbidden('SignatureDoesNotMatch', message),
    skewed: () => forbidden('RequestTimeTooSkewed', tooOld),
  },
  query: {
    unknown: () => forbidden('InvalidClientTokenId', invalidToken),
    'wrong-token': () => forbidden('InvalidClientTokenId', invalidToken),
    expired: () => forbidden('ExpiredToken', 'The security token included in the request is expired'),
    wrongSignature: (message) => forbidden('SignatureDoesNotMatch', message),
    skewed: (message) => forbidden('SignatureDoesNotMatch', message),
  },
  json: {
    unknown: () =>
      new AwsError('UnrecognizedClientException', invalidToken, { queryCode: 'InvalidClientTokenId' }),
    'wrong-token': () =>
      new AwsError('UnrecognizedClientException', invalidToken, { queryCode: 'InvalidClientTokenId' }),
    expired: () =>
      new AwsError('ExpiredTokenException', 'The security token included in the request is expired', {
        queryCode: 'ExpiredToken',
      }),
    wrongSignature: (message) =>
      new AwsError('InvalidSignatureException', message, { queryCode: 'SignatureDoesNotMatch' }),
    skewed: (message) =>
      new AwsError('InvalidSignatureException', message, { queryCode: 'SignatureDoesNotMatch' }),
  },
};

function forbidden(code: string, message: string): AwsError {
  return new AwsError(code, message, { status: 403 });
}

/** Throws what the service answers to a skewed clock or an expired presigned URL. */
export function refuseWrongTime(signature: Signature, nowMs: number): void {
  const refuse = refusals[protocolOf(signature.service)];
  const signedAtMs = timestampMs(signature.timestamp);
  if (Number.isNaN(signedAtMs) || !signature.timestamp.startsWith(signature.date)) {
    throw refuse.wrongSignature('The date of the credential scope is not the date of the request.');
  }
  const ageMs = nowMs - signedAtMs;
  if (signature.expiresSeconds !== undefined) {
    if (signature.expiresSeconds > 604_800) {
      throw new AwsError(
        'AuthorizationQueryParametersError',
        'X-Amz-Expires must be less than a week (in seconds)',
      );
    }
    if (ageMs > signature.expiresSeconds * 1000) throw forbidden('AccessDenied', 'Request has expired');
    if (ageMs < -allowedSkewMs) throw forbidden('AccessDenied', 'Request is not valid yet');
    return;
  }
  if (Math.abs(ageMs) <= allowedSkewMs) return;
  const word = ageMs > 0 ? 'Signature expired' : 'Signature not yet current';
  throw refuse.skewed(
    `${word}: ${signature.timestamp} is too far from ${new Date(nowMs).toISOString()} (15 min.)`,
  );
}

/** Every x-amz-* header must be signed, and the host. */
function refuseUnsignedHeaders(request: SignedRequest, signature: Signature): void {
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signature.signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  throw new AwsError('AccessDenied', 'There were headers present in the request which were not signed', {
    status: 403,
    fields: { HeadersNotSigned: unsigned.join(', ') },
  });
}
