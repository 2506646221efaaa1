/**
 * Additional checksums. S3 stores the algorithm, the type and the base64 value of each.
 *
 * Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3" (checking-object-integrity.html).
 */
import { createHash } from 'node:crypto';
import { combineCrc } from './crc-combine.ts';
import { createCrc32, createCrc32c, createCrc64Nvme } from './crc.ts';
import { S3Error } from '../errors.ts';

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

/** A checksum of an object or a part. `value` is base64; a composite value ends in `-` and the number of parts. */
export interface Checksum {
  algorithm: ChecksumAlgorithm;
  type: ChecksumType;
  value: string;
}

/** The algorithm and type of an upload's checksum, which are fixed when the upload is created. */
export interface ChecksumPlan {
  algorithm: ChecksumAlgorithm;
  type: ChecksumType;
  /** False if the client requested no checksum. S3 then uses CRC64NVME. */
  requested: boolean;
}

export interface Hasher {
  update(chunk: Buffer): void;
  digest(): Buffer;
}

export const createHasher = (algorithm: ChecksumAlgorithm): Hasher => {
  if (algorithm === 'CRC32') return createCrc32();
  if (algorithm === 'CRC32C') return createCrc32c();
  if (algorithm === 'CRC64NVME') return createCrc64Nvme();
  return createHash(algorithm === 'SHA1' ? 'sha1' : 'sha256');
};

/** The header's name, for example `x-amz-checksum-crc32`. */
export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

/** The element's name in request and response bodies, for example `ChecksumCRC32`. */
export const checksumElement = (algorithm: ChecksumAlgorithm): string => `Checksum${algorithm}`;

/** Parses the name of an algorithm, in upper or lower case. Throws InvalidRequest for an unknown algorithm. */
export const parseChecksumAlgorithm = (text: string): ChecksumAlgorithm => {
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === text.toUpperCase());
  if (found !== undefined) return found;
  throw new S3Error('InvalidRequest', {
    message: `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
  });
};

const DIGEST_BYTES: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** True if the value is the base64 of a digest that has the length of the algorithm's digests. */
export const isChecksumValue = (algorithm: ChecksumAlgorithm, value: string): boolean => {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === value;
};

/** Computes the checksum of an object from the checksums of its parts, which must be in order. */
export const checksumOfParts = (
  plan: ChecksumPlan,
  parts: { value: string; sizeBytes: number }[],
): Checksum => ({
  algorithm: plan.algorithm,
  type: plan.type,
  value: plan.type === 'COMPOSITE' ? compositeOf(plan.algorithm, parts) : fullObjectOf(plan.algorithm, parts),
});

const compositeOf = (algorithm: ChecksumAlgorithm, parts: { value: string }[]): string => {
  const hasher = createHasher(algorithm);
  for (const part of parts) hasher.update(Buffer.from(part.value, 'base64'));
  return `${hasher.digest().toString('base64')}-${parts.length}`;
};

const fullObjectOf = (
  algorithm: ChecksumAlgorithm,
  parts: { value: string; sizeBytes: number }[],
): string => {
  if (algorithm === 'SHA1' || algorithm === 'SHA256')
    throw new Error(`${algorithm} has no full-object checksum`);
  const [first, ...rest] = parts;
  let digest = Buffer.from(first?.value ?? '', 'base64');
  for (const part of rest)
    digest = Buffer.from(combineCrc(algorithm, digest, Buffer.from(part.value, 'base64'), part.sizeBytes));
  return digest.toString('base64');
};

/**
 * Reads the checksum headers of CreateMultipartUpload. Without an algorithm, S3 stores a full-object CRC64NVME.
 * Throws InvalidRequest for a type that the algorithm does not support.
 */
export const planUploadChecksum = (
  algorithmText: string | undefined,
  typeText: string | undefined,
): ChecksumPlan => {
  if (algorithmText === undefined) {
    if (typeText !== undefined)
      throw new S3Error('InvalidRequest', {
        message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
      });
    return { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', requested: false };
  }
  const algorithm = parseChecksumAlgorithm(algorithmText);
  const type = parseType(typeText) ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE');
  if (!TYPES[algorithm].includes(type))
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  return { algorithm, type, requested: true };
};

const TYPES: Record<ChecksumAlgorithm, ChecksumType[]> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
};

const parseType = (text: string | undefined): ChecksumType | undefined => {
  if (text === undefined || text === 'FULL_OBJECT' || text === 'COMPOSITE') return text;
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' });
};
