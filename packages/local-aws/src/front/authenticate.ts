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
 * Finds the caller that signed a request. For an unknown key, a wrong or expired token, or a wrong signature, throws the
 * {@link AwsError} that the service returns. Does not check the time of the signature; {@link refuseWrongTime} does. `payloadHash` is the
 * hash of the body, or in S3 the text that replaces the hash, such as UNSIGNED-PAYLOAD.
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

/** Returns the error with which the service refuses expired credentials. */
export function expiredCredentials(service: string): AwsError {
  return refusals[protocolOf(service)].expired();
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

/** The errors of authentication in each protocol. Their names differ between protocols. */
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

function forbidden(code: string, message: string, fields: Record<string, string> = {}): AwsError {
  return new AwsError(code, message, { status: 403, fields });
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString().replace(/\.\d+/, '');

/** Throws the service's error if the time of the signature differs too much from the clock, or if a presigned URL has expired. */
export function refuseWrongTime(signature: Signature, nowMs: number): void {
  const refuse = refusals[protocolOf(signature.service)];
  const signedAtMs = timestampMs(signature.timestamp);
  if (Number.isNaN(signedAtMs) || !signature.timestamp.startsWith(signature.date)) {
    throw refuse.wrongSignature('The date of the credential scope is not the date of the request.');
  }
  const ageMs = nowMs - signedAtMs;
  if (signature.expiresSeconds !== undefined) {
    const times = {
      Expires: iso(signedAtMs + signature.expiresSeconds * 1000),
      ServerTime: iso(nowMs),
    };
    if (ageMs > signature.expiresSeconds * 1000) {
      const fields = { 'X-Amz-Expires': String(signature.expiresSeconds), ...times };
      throw forbidden('AccessDenied', 'Request has expired', fields);
    }
    if (ageMs < -allowedSkewMs) throw forbidden('AccessDenied', 'Request is not valid yet', times);
    return;
  }
  if (Math.abs(ageMs) <= allowedSkewMs) return;
  const word = ageMs > 0 ? 'Signature expired' : 'Signature not yet current';
  throw refuse.skewed(
    `${word}: ${signature.timestamp} is too far from ${new Date(nowMs).toISOString()} (15 min.)`,
  );
}

/** Throws an error unless the signature covers the Host header and every x-amz-* header. */
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
