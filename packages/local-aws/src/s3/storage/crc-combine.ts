/**
 * Computes the CRC of two concatenated pieces from the CRC of each piece and the length of the second. With this, the full-object checksum
 * of a multipart upload is computed without reading the parts again.
 *
 * Appending n zero bytes multiplies a CRC by x^(8n) modulo the polynomial of the CRC. The power is computed by repeated squaring, as in
 * zlib's crc32_combine.
 */
import { POLYNOMIALS } from './crc.ts';

export type CrcAlgorithm = keyof typeof POLYNOMIALS;

/** Combines the CRCs of two pieces. The arguments and the result are big-endian digests. */
export const combineCrc = (
  algorithm: CrcAlgorithm,
  first: Buffer,
  second: Buffer,
  secondLengthBytes: number,
): Buffer => {
  const shift = crcShift(algorithm, secondLengthBytes);
  return digestOfCrc(algorithm, shift(crcOfDigest(first)) ^ crcOfDigest(second));
};

/**
 * Returns a function that shifts a CRC by `lengthBytes` zero bytes. The combined CRC of two pieces is the exclusive or of the shifted CRC
 * of the first piece and the CRC of the second. The function is linear: it maps the exclusive or of two CRCs to the exclusive or of the
 * shifted CRCs.
 */
export const crcShift = (algorithm: CrcAlgorithm, lengthBytes: number): ((crc: bigint) => bigint) => {
  const field = FIELDS[algorithm];
  const power = powerOfBytes(algorithm, lengthBytes);
  return (crc) => multiply(field, power, crc);
};

/** A cache of powers. A power takes about a hundred multiplications, and most parts of an upload have the same size. */
const POWERS = new Map<string, bigint>();
const MAX_POWERS = 256;

const powerOfBytes = (algorithm: CrcAlgorithm, lengthBytes: number): bigint => {
  const name = `${algorithm} ${lengthBytes}`;
  const known = POWERS.get(name);
  if (known !== undefined) return known;
  if (POWERS.size >= MAX_POWERS) POWERS.clear();
  const power = powerOfX(FIELDS[algorithm], BigInt(lengthBytes) * 8n);
  POWERS.set(name, power);
  return power;
};

export const crcOfDigest = (digest: Buffer): bigint => BigInt(`0x${digest.toString('hex')}`);

export const digestOfCrc = (algorithm: CrcAlgorithm, crc: bigint): Buffer =>
  Buffer.from(crc.toString(16).padStart(FIELDS[algorithm].one === 1n << 63n ? 16 : 8, '0'), 'hex');

interface Field {
  polynomial: bigint;
  /** The polynomial 1, which is x^0. In reflected form, x^0 is the highest bit. */
  one: bigint;
}

const FIELDS: Record<CrcAlgorithm, Field> = {
  CRC32: { polynomial: POLYNOMIALS.CRC32, one: 1n << 31n },
  CRC32C: { polynomial: POLYNOMIALS.CRC32C, one: 1n << 31n },
  CRC64NVME: { polynomial: POLYNOMIALS.CRC64NVME, one: 1n << 63n },
};

const timesX = (field: Field, value: bigint): bigint =>
  (value & 1n) === 1n ? (value >> 1n) ^ field.polynomial : value >> 1n;

const multiply = (field: Field, a: bigint, b: bigint): bigint => {
  let product = 0n;
  let shifted = b;
  for (let bit = field.one; bit !== 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted;
    shifted = timesX(field, shifted);
  }
  return product;
};

const powerOfX = (field: Field, exponent: bigint): bigint => {
  let result = field.one;
  let square = timesX(field, field.one);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = multiply(field, result, square);
    square = multiply(field, square, square);
  }
  return result;
};
