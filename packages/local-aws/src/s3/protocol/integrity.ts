/**
 * Reads the headers that describe a request's body: framing, length, Content-MD5, x-amz-content-sha256 and at most one additional checksum.
 *
 * Sources: Amazon S3 User Guide "Checking object integrity for data uploads", API Reference "PutObject" and
 * "Authenticating requests: x-amz-content-sha256".
 */
import {
  CHECKSUM_ALGORITHMS,
  checksumHeader,
  isChecksumValue,
  parseChecksumAlgorithm,
  type ChecksumAlgorithm,
} from '../storage/checksums.ts';
import { S3Error } from '../errors.ts';
import { needsIntegrityHeader, type BucketObjectLock, type ObjectLock } from '../model/object-lock.ts';
import { header, type S3Request } from './request.ts';

export interface BodyClaims {
  framing: 'plain' | 'aws-chunked';
  /** Size of the payload; null if the request does not declare it (plain Transfer-Encoding: chunked). */
  lengthBytes: number | null;
  md5: Buffer | null;
  /** The hexadecimal SHA-256; null unless the request's signature covers the body. */
  sha256: string | null;
  checksum: ChecksumClaim | null;
}

/** A checksum that the client sends. `value` is null if it will arrive in the trailer of the body. */
interface ChecksumClaim {
  algorithm: ChecksumAlgorithm;
  value: string | null;
}

/** Reads what a request claims about its body. Throws InvalidDigest, InvalidRequest or MissingContentLength for invalid claims. */
export const parseBodyClaims = (
  request: S3Request,
  checksumHeaders: 'about-body' | 'about-object' = 'about-body',
): BodyClaims => {
  const contentSha256 = header(request, 'x-amz-content-sha256');
  const framing = isChunked(request, contentSha256) ? 'aws-chunked' : 'plain';
  return {
    framing,
    lengthBytes: lengthOf(request, framing),
    md5: parseMd5(header(request, 'content-md5')),
    sha256:
      contentSha256 !== undefined && /^[0-9a-fA-F]{64}$/.test(contentSha256)
        ? contentSha256.toLowerCase()
        : null,
    checksum: checksumHeaders === 'about-body' ? parseChecksumClaim(request) : null,
  };
};

/**
 * Throws InvalidRequest if an upload under object lock has neither Content-MD5 nor an x-amz-checksum-* header. The SHA-256 in
 * x-amz-content-sha256 is not sufficient. A checksum in the trailer is sufficient only if `trailerSuffices`: users report that AWS refuses
 * it, but AWS does not document this.
 */
export const checkLockIntegrity = (
  claims: BodyClaims,
  { asked, bucketLock }: { asked: ObjectLock; bucketLock: BucketObjectLock | null },
  operation: 'Put Object' | 'Put Part',
  trailerSuffices = false,
): void => {
  const { md5, checksum } = claims;
  const isProven = md5 !== null || (checksum !== null && (checksum.value !== null || trailerSuffices));
  if (isProven || !needsIntegrityHeader(asked, bucketLock)) return;
  throw new S3Error('InvalidRequest', {
    message: `Content-MD5 OR x-amz-checksum- HTTP header is required for ${operation} requests with Object Lock parameters`,
  });
};

const isChunked = (request: S3Request, contentSha256: string | undefined): boolean =>
  contentSha256?.startsWith('STREAMING-') === true ||
  (header(request, 'content-encoding') ?? '').split(',').some((coding) => coding.trim() === 'aws-chunked');

const lengthOf = (request: S3Request, framing: BodyClaims['framing']): number | null => {
  const text =
    framing === 'aws-chunked'
      ? header(request, 'x-amz-decoded-content-length')
      : header(request, 'content-length');
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  if (framing === 'aws-chunked') throw new S3Error('MissingContentLength');
  return null;
};

const parseMd5 = (text: string | undefined): Buffer | null => {
  if (text === undefined) return null;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 16 || bytes.toString('base64') !== text)
    throw new S3Error('InvalidDigest', { elements: { 'Content-MD5': text } });
  return bytes;
};

const parseChecksumClaim = (request: S3Request): ChecksumClaim | null => {
  const inHeader = checksumClaims(request);
  const inTrailer = trailerAlgorithms(request);
  if (inHeader.length + inTrailer.length > 1)
    throw new S3Error('InvalidRequest', {
      message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    });
  const trailing = inTrailer[0];
  const claim = inHeader[0] ?? (trailing === undefined ? null : { algorithm: trailing, value: null });
  const named = header(request, 'x-amz-sdk-checksum-algorithm');
  if (named !== undefined) checkNamedAlgorithm(named, claim);
  return claim;
};

/** Returns the x-amz-checksum-* headers of a request. Throws InvalidRequest for a malformed value. */
export const checksumClaims = (request: S3Request): { algorithm: ChecksumAlgorithm; value: string }[] =>
  CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = header(request, checksumHeader(algorithm));
    if (value === undefined) return [];
    if (!isChecksumValue(algorithm, value.replace(/-\d+$/, ''))) throw invalidChecksumValue(algorithm);
    return [{ algorithm, value }];
  });

export const invalidChecksumValue = (algorithm: ChecksumAlgorithm): S3Error =>
  new S3Error('InvalidRequest', { message: `Value for ${checksumHeader(algorithm)} header is invalid.` });

const trailerAlgorithms = (request: S3Request): ChecksumAlgorithm[] => {
  const names = (header(request, 'x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '').map(algorithmOfTrailer);
};

const algorithmOfTrailer = (name: string): ChecksumAlgorithm => {
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => checksumHeader(algorithm) === name);
  if (found === undefined)
    throw new S3Error('InvalidRequest', {
      message: 'The value specified in the x-amz-trailer header is not supported',
    });
  return found;
};

const checkNamedAlgorithm = (named: string, claim: ChecksumClaim | null): void => {
  const algorithm = parseChecksumAlgorithm(named);
  if (claim === null)
    throw new S3Error('InvalidRequest', {
      message:
        'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    });
  if (claim.algorithm !== algorithm)
    throw new S3Error('InvalidRequest', {
      message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.',
    });
};
