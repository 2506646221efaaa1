/** Receives a body: unframes it, stores it, and refuses it when it is not what its headers say. */
import { createHash, type Hash } from 'node:crypto';
import type { Blob, BlobWriter } from './blobs.ts';
import { decodeAwsChunked } from './body-decoding.ts';
import { createHasher, isChecksumValue, type ChecksumAlgorithm, type Hasher } from './checksums.ts';
import { S3Error } from './errors.ts';
import { invalidChecksumValue, parseBodyClaims, type BodyClaims } from './integrity.ts';
import type { S3Request } from './request.ts';
import type { S3State } from './state.ts';

interface ReceivedBody {
  blob: Blob;
  /** Hexadecimal. */
  md5: string;
  /** Base64, of the algorithm asked for. */
  checksum: string;
  /** Base64, of the algorithm the client sent a checksum of. */
  claimed: string | null;
}

const MAX_PUT_BYTES = 5 * 1024 ** 3;
const MAX_XML_BYTES = 8 * 1024 * 1024;

/**
 * Stores the body of a PutObject or UploadPart. The checksum is of `algorithm`, whether the client sent one or not.
 * Throws, with nothing stored, EntityTooLarge, IncompleteBody, BadDigest, XAmzContentSHA256Mismatch and the like.
 */
export const receiveObject = async (
  state: S3State,
  request: S3Request,
  claims: BodyClaims,
  algorithm: ChecksumAlgorithm,
): Promise<ReceivedBody> => {
  if (claims.lengthBytes === null) throw new S3Error('MissingContentLength');
  if (claims.lengthBytes > MAX_PUT_BYTES) throw tooLarge(claims.lengthBytes);
  const writer = state.blobs.writer();
  try {
    const digests = await pump(request, claims, algorithm, writer);
    return { blob: await writer.finish(), ...digests };
  } catch (error) {
    await writer.abort();
    throw error;
  }
};

/** Reads a request body that is a document. Verified like any other body. */
export const receiveText = (request: S3Request): Promise<string> =>
  receiveDocument(request, parseBodyClaims(request));

/** The same for CompleteMultipartUpload, whose x-amz-checksum-* headers speak of the object, not of the body. */
export const receiveTextAboutObject = (request: S3Request): Promise<string> =>
  receiveDocument(request, parseBodyClaims(request, 'about-object'));

const receiveDocument = async (request: S3Request, claims: BodyClaims): Promise<string> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const keep = {
    write: (chunk: Buffer): undefined => {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_XML_BYTES) throw new S3Error('MalformedXML');
      chunks.push(chunk);
    },
  };
  await pump(request, claims, claims.checksum?.algorithm ?? 'CRC32', keep);
  return Buffer.concat(chunks).toString('utf8');
};

/** The request's raw bytes. Leaving the loop early must not cut the connection: an error answer is still to be sent on it. */
const rawBody = (request: S3Request): AsyncIterable<Buffer> =>
  request.aws.body.iterator({ destroyOnReturn: false });

const pump = async (
  request: S3Request,
  claims: BodyClaims,
  algorithm: ChecksumAlgorithm,
  writer: Pick<BlobWriter, 'write'>,
): Promise<Omit<ReceivedBody, 'blob'>> => {
  const hashers = createHashers(claims, algorithm);
  const decoded = claims.framing === 'aws-chunked' ? decodeAwsChunked(rawBody(request)) : null;
  let receivedBytes = 0;
  for await (const chunk of decoded?.payload ?? rawBody(request)) {
    receivedBytes += chunk.length;
    if (claims.lengthBytes !== null && receivedBytes > claims.lengthBytes)
      throw new S3Error('IncompleteBody');
    hashers.update(chunk);
    const pending = writer.write(chunk);
    if (pending !== undefined) await pending;
  }
  if (claims.lengthBytes !== null && receivedBytes !== claims.lengthBytes)
    throw new S3Error('IncompleteBody');
  return hashers.verify(decoded?.trailer ?? new Map());
};

const createHashers = (claims: BodyClaims, algorithm: ChecksumAlgorithm) => {
  const md5 = createHash('md5');
  const checksum = createHasher(algorithm);
  const claimed = claims.checksum;
  const claimedChecksum =
    claimed === null || claimed.algorithm === algorithm ? checksum : createHasher(claimed.algorithm);
  const sha256 = claims.sha256 === null ? null : createHash('sha256');
  const all: Hasher[] = [...new Set<Hasher | Hash | null>([md5, checksum, claimedChecksum, sha256])].filter(
    (hasher) => hasher !== null,
  );
  return {
    update: (chunk: Buffer) => {
      for (const hasher of all) hasher.update(chunk);
    },
    verify: (trailer: Map<string, string>): Omit<ReceivedBody, 'blob'> => {
      const md5Digest = md5.digest();
      const value = checksum.digest().toString('base64');
      const claimedValue = claimedChecksum === checksum ? value : claimedChecksum.digest().toString('base64');
      if (sha256 !== null) verifySha256(claims, sha256);
      if (claims.md5 !== null && !claims.md5.equals(md5Digest)) throw badMd5(claims.md5, md5Digest);
      if (claimed !== null) verifyChecksum(claimed.algorithm, claimed.value, claimedValue, trailer);
      return {
        md5: md5Digest.toString('hex'),
        checksum: value,
        claimed: claimed === null ? null : claimedValue,
      };
    },
  };
};

const verifySha256 = (claims: BodyClaims, sha256: Hash): void => {
  const computed = sha256.digest('hex');
  if (computed === claims.sha256) return;
  throw new S3Error('XAmzContentSHA256Mismatch', {
    elements: {
      ClientComputedContentSHA256: claims.sha256 ?? '',
      S3ComputedContentSHA256: computed,
    },
  });
};

const verifyChecksum = (
  algorithm: ChecksumAlgorithm,
  headerValue: string | null,
  computed: string,
  trailer: Map<string, string>,
): void => {
  const claimed = headerValue ?? trailer.get(`x-amz-checksum-${algorithm.toLowerCase()}`);
  if (claimed === undefined) throw new S3Error('MalformedTrailerError');
  if (!isChecksumValue(algorithm, claimed)) throw invalidChecksumValue(algorithm);
  if (claimed !== computed) throw badChecksum(algorithm);
};

export const badChecksum = (algorithm: ChecksumAlgorithm): S3Error =>
  new S3Error('BadDigest', {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });

const badMd5 = (claimed: Buffer, computed: Buffer): S3Error =>
  new S3Error('BadDigest', {
    elements: { ExpectedDigest: claimed.toString('hex'), CalculatedDigest: computed.toString('base64') },
  });

const tooLarge = (lengthBytes: number): S3Error =>
  new S3Error('EntityTooLarge', {
    elements: { ProposedSize: String(lengthBytes), MaxSizeAllowed: String(MAX_PUT_BYTES) },
    // Nobody wants to read the rest.
    headers: { Connection: 'close' },
  });
