/** Receives a body: removes its framing, stores it, and rejects it if it does not match the request's headers. */
import { openSink } from './body-sink.ts';
import { decodeAwsChunked } from './body-decoding.ts';
import { isChecksumValue, type ChecksumAlgorithm } from '../storage/checksums.ts';
import { createDigester, type DigestName } from '../storage/digests.ts';
import { S3Error } from '../errors.ts';
import { invalidChecksumValue, parseBodyClaims, type BodyClaims } from './integrity.ts';
import type { S3Request } from './request.ts';
import type { S3State } from '../model/state.ts';
import type { Blob, BodySink, KeptBody } from '../storage/blob.ts';

interface ReceivedBody {
  blob: Blob;
  /** The hexadecimal MD5, or for sparse content the ETag that `Generator.etag` returns. */
  md5: string;
  /** The checksum in base64, computed with the algorithm that was passed to `receiveObject`. */
  checksum: string;
  /** The checksum in base64, computed with the client's algorithm; null if the client sent no checksum. */
  claimed: string | null;
}

const MAX_PUT_BYTES = 5 * 1024 ** 3;
const MAX_XML_BYTES = 8 * 1024 * 1024;

/**
 * Stores the body of a PutObject or UploadPart. The checksum is computed with `algorithm`, whether or not the client sent one.
 * Throws EntityTooLarge, IncompleteBody, BadDigest, XAmzContentSHA256Mismatch and similar errors. After an error, nothing remains stored.
 */
export const receiveObject = async (
  state: S3State,
  request: S3Request,
  claims: BodyClaims,
  algorithm: ChecksumAlgorithm,
): Promise<ReceivedBody> => {
  if (claims.lengthBytes === null) throw new S3Error('MissingContentLength');
  if (claims.lengthBytes > MAX_PUT_BYTES) throw tooLarge(claims.lengthBytes);
  const wanted = {
    digests: digestsOf(claims, algorithm),
    claimsMd5: claims.md5 !== null || algorithm === 'MD5' || claims.checksum?.algorithm === 'MD5',
  };
  const sink = openSink(state, request, claims.lengthBytes, wanted);
  let kept: KeptBody | null = null;
  try {
    const trailer = await pump(request, claims, sink);
    kept = await sink.finish();
    verify(claims, kept.digests, trailer);
    const value = (name: DigestName): string => kept?.digests.get(name)?.toString('base64') ?? '';
    return {
      blob: kept.blob,
      md5: kept.etag,
      checksum: value(algorithm),
      claimed: claims.checksum === null ? null : value(claims.checksum.algorithm),
    };
  } catch (error) {
    if (kept === null) await sink.abort();
    else kept.blob.release();
    throw error;
  }
};

/** Returns which digests to compute: the MD5 for the ETag, the checksum to store, and those that the client claims. */
const digestsOf = (claims: BodyClaims, algorithm: ChecksumAlgorithm | null): Set<DigestName> => {
  const names = new Set<DigestName>(['MD5']);
  if (algorithm !== null) names.add(algorithm);
  if (claims.checksum !== null) names.add(claims.checksum.algorithm);
  if (claims.sha256 !== null) names.add('SHA256');
  return names;
};

/** Reads a request body that is a document, and checks that it matches the digests in the headers. */
export const receiveText = (request: S3Request): Promise<string> =>
  receiveDocument(request, parseBodyClaims(request));

/**
 * Reads the body of CompleteMultipartUpload. Its x-amz-checksum-* headers are not checked against the body, because they describe the
 * object.
 */
export const receiveTextAboutObject = (request: S3Request): Promise<string> =>
  receiveDocument(request, parseBodyClaims(request, 'about-object'));

const receiveDocument = async (request: S3Request, claims: BodyClaims): Promise<string> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const digester = createDigester(digestsOf(claims, null));
  const keep = {
    write: (chunk: Buffer): undefined => {
      digester.update(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_XML_BYTES) throw new S3Error('MalformedXML');
      chunks.push(chunk);
    },
  };
  const trailer = await pump(request, claims, keep);
  verify(claims, await digester.digests(), trailer);
  return Buffer.concat(chunks).toString('utf8');
};

/** Yields the request's raw bytes. If the reader stops early, the connection stays open, so that an error response can still be sent. */
const rawBody = (request: S3Request): AsyncIterable<Buffer> =>
  request.aws.body.iterator({ destroyOnReturn: false });

const pump = async (
  request: S3Request,
  claims: BodyClaims,
  sink: Pick<BodySink, 'write'>,
): Promise<Map<string, string>> => {
  const decoded =
    claims.framing === 'aws-chunked' ? decodeAwsChunked(rawBody(request), request.chunkVerifier) : null;
  let receivedBytes = 0;
  for await (const chunk of decoded?.payload ?? rawBody(request)) {
    receivedBytes += chunk.length;
    if (claims.lengthBytes !== null && receivedBytes > claims.lengthBytes)
      throw new S3Error('IncompleteBody');
    const pending = sink.write(chunk);
    if (pending !== undefined) await pending;
  }
  if (claims.lengthBytes !== null && receivedBytes !== claims.lengthBytes)
    throw new S3Error('IncompleteBody');
  return decoded?.trailer ?? new Map();
};

/** Throws XAmzContentSHA256Mismatch, BadDigest and similar errors if the body does not match the headers of the request. */
const verify = (
  claims: BodyClaims,
  digests: ReadonlyMap<DigestName, Buffer>,
  trailer: Map<string, string>,
): void => {
  const { sha256, md5, checksum } = claims;
  const digest = (name: DigestName): Buffer => digests.get(name) ?? Buffer.alloc(0);
  if (sha256 !== null) verifySha256(sha256, digest('SHA256').toString('hex'));
  if (md5 !== null && !md5.equals(digest('MD5'))) throw badMd5(md5, digest('MD5'));
  if (checksum !== null)
    verifyChecksum(
      checksum.algorithm,
      checksum.value,
      digest(checksum.algorithm).toString('base64'),
      trailer,
    );
};

const verifySha256 = (claimed: string, computed: string): void => {
  if (computed === claimed) return;
  throw new S3Error('XAmzContentSHA256Mismatch', {
    elements: { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed },
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
    // Closes the connection instead of reading the rest of the body.
    headers: { Connection: 'close' },
  });
