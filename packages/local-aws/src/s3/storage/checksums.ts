/**
 * Additional checksums. S3 stores the algorithm, type and base64 value of each checksum.
 *
 * Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3" (checking-object-integrity.html).
 */
import { createHash } from 'node:crypto';
import { combineCrc, type CrcAlgorithm } from './crc-combine.ts';
import { createCrcOf } from './crc.ts';
import { createXxHash } from './xxhash.ts';
import { S3Error } from '../errors.ts';

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export const CHECKSUM_ALGORITHMS = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
] as const;

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
  digest(): Buffer | Promise<Buffer>;
}

export const isCrc = (algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm => algorithm.startsWith('CRC');

export const createHasher = (algorithm: ChecksumAlgorithm): Hasher => {
  switch (algorithm) {
    case 'SHA1':
    case 'SHA256':
    case 'SHA512':
    case 'MD5':
      return createHash(algorithm.toLowerCase());
    case 'XXHASH64':
    case 'XXHASH3':
    case 'XXHASH128':
      return createXxHash(algorithm);
    default:
      return createCrcOf(algorithm);
  }
};

/** Returns the header of an algorithm, for example `x-amz-checksum-crc32`. */
export const checksumHeader = (algorithm: ChecksumAlgorithm): string =>
  `x-amz-checksum-${algorithm.toLowerCase()}`;

/** Returns the XML element of an algorithm, for example `ChecksumCRC32`. */
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
  SHA512: 64,
  MD5: 16,
  XXHASH64: 8,
  XXHASH3: 8,
  XXHASH128: 16,
};

/** True if the value is base64 and as long as a digest of the algorithm. */
export const isChecksumValue = (algorithm: ChecksumAlgorithm, value: string): boolean => {
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === value;
};

interface PartChecksum {
  value: string;
  sizeBytes: number;
}

/** Computes the checksum of an object from the checksums of its parts, which must be in order. */
export const checksumOfParts = async (plan: ChecksumPlan, parts: PartChecksum[]): Promise<Checksum> => {
  const { algorithm, type } = plan;
  if (isCrc(algorithm)) return crcOfParts({ algorithm, type }, parts);
  if (type === 'FULL_OBJECT') throw new Error(`${algorithm} has no full-object checksum`);
  const hasher = createHasher(algorithm);
  for (const part of parts) hasher.update(Buffer.from(part.value, 'base64'));
  return { algorithm, type, value: compositeValue(await hasher.digest(), parts) };
};

/** Like {@link checksumOfParts}, but for CRCs only. */
export const crcOfParts = (
  { algorithm, type }: { algorithm: CrcAlgorithm; type: ChecksumType },
  parts: PartChecksum[],
): Checksum => {
  if (type === 'FULL_OBJECT') return { algorithm, type, value: fullObjectOf(algorithm, parts) };
  const crc = createCrcOf(algorithm);
  for (const part of parts) crc.update(Buffer.from(part.value, 'base64'));
  return { algorithm, type, value: compositeValue(crc.digest(), parts) };
};

const compositeValue = (digest: Buffer, parts: PartChecksum[]): string =>
  `${digest.toString('base64')}-${parts.length}`;

const fullObjectOf = (algorithm: CrcAlgorithm, parts: PartChecksum[]): string => {
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
  if (!typesOf(algorithm).includes(type))
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  return { algorithm, type, requested: true };
};

/**
 * Returns the types of checksum that a multipart upload may have. Only for CRCs does the checksum of the whole object follow from those of
 * its parts.
 */
const typesOf = (algorithm: ChecksumAlgorithm): ChecksumType[] => {
  if (algorithm === 'CRC64NVME') return ['FULL_OBJECT'];
  return isCrc(algorithm) ? ['COMPOSITE', 'FULL_OBJECT'] : ['COMPOSITE'];
};

const parseType = (text: string | undefined): ChecksumType | undefined => {
  if (text === undefined || text === 'FULL_OBJECT' || text === 'COMPOSITE') return text;
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' });
};
