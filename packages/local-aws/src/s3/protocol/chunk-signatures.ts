/**
 * Verifies the signatures of a body that is signed in chunks. Each signature covers its chunk and the signature before it. The first
 * chunk's signature covers the signature of the request's headers.
 *
 * Source: Amazon S3 API Reference, "Signature calculations for the authorization header: transferring payload in multiple
 * chunks" (sigv4-streaming.html) and "Including trailing headers" (sigv4-streaming-trailers.html).
 */
import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto';
import { AwsError } from '../../front/aws-error.ts';
import { parseSignature } from '../../front/parse-signature.ts';
import { createSigningKeys } from '../../front/signature.ts';
import { S3Error } from '../errors.ts';
import { header, type S3Request, type ChunkVerifier } from './request.ts';
import type { S3State } from '../model/state.ts';

/** Returns the verifier of a request's body; null for a body without signed chunks. Throws NotImplemented for other signing methods. */
export const chunkVerifier = (state: S3State, request: S3Request): ChunkVerifier | null => {
  const payload = header(request, 'x-amz-content-sha256') ?? '';
  if (!payload.startsWith('STREAMING-') || payload === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return null;
  if (!SIGNED.includes(payload) || state.secretOf === undefined)
    throw new S3Error('NotImplemented', { message: `The local S3 cannot verify ${payload}` });
  const seed = parseSignature(request.aws);
  if (seed === undefined || seed instanceof AwsError) throw new S3Error('SignatureDoesNotMatch');
  const secret = state.secretOf(seed.accessKeyId, seed.sessionToken);
  if (secret === undefined) throw new S3Error('SignatureDoesNotMatch');
  const scope = `${seed.date}/${seed.region}/${seed.service}/aws4_request`;
  const key = createSigningKeys()(secret, seed);
  return createVerifier({ key, lead: `${seed.timestamp}\n${scope}`, seed: seed.signature, payload });
};

const SIGNED = ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'];
const EMPTY_SHA256 = hash('sha256', '', 'hex');

const createVerifier = (signing: {
  key: Buffer;
  /** The timestamp and credential scope, which are part of every string to sign. */
  lead: string;
  seed: string;
  payload: string;
}): ChunkVerifier => {
  const { key, lead, payload } = signing;
  let previous = signing.seed;
  let chunk = createHash('sha256');

  const check = (stringToSign: string, signature: string | undefined): void => {
    const expected = Buffer.from(createHmac('sha256', key).update(stringToSign).digest('hex'));
    const actual = Buffer.from(signature ?? '');
    if (expected.length !== actual.length || !timingSafeEqual(expected, actual))
      throw new S3Error('SignatureDoesNotMatch', { headers: { Connection: 'close' } });
    previous = expected.toString();
  };

  return {
    update: (bytes) => {
      chunk.update(bytes);
    },
    endChunk: (signature) => {
      const digest = chunk.digest('hex');
      chunk = createHash('sha256');
      check(`AWS4-HMAC-SHA256-PAYLOAD\n${lead}\n${previous}\n${EMPTY_SHA256}\n${digest}`, signature);
    },
    endTrailer: (canonical, signature) => {
      if (!payload.endsWith('-TRAILER')) return;
      const digest = hash('sha256', canonical, 'hex');
      check(`AWS4-HMAC-SHA256-TRAILER\n${lead}\n${previous}\n${digest}`, signature);
    },
  };
};
