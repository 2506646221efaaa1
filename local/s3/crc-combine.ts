/**
 * The CRC of two pieces put together, from the CRC of each and the length of the second: how the full-object checksum of
 * a multipart upload is had without reading its parts again.
 *
 * Appending n zero bytes multiplies a CRC by x^(8n) modulo its polynomial; powers are had by squaring (as in zlib's crc32_combine).
 */
import { POLYNOMIALS } from './crc.ts';

/** Big-endian digests in and out. */
export const combineCrc = (
  algorithm: keyof typeof POLYNOMIALS,
  first: Buffer,
  second: Buffer,
  secondLengthBytes: number,
): Buffer => {
  const field = FIELDS[algorithm];
  const shifted = multiply(field, powerOfX(field, BigInt(secondLengthBytes) * 8n), toBigInt(first));
  const digest = (shifted ^ toBigInt(second)).toString(16).padStart(first.length * 2, '0');
  return Buffer.from(digest, 'hex');
};

interface Field {
  polynomial: bigint;
  /** Reflected, so x^0 is the highest bit. */
  one: bigint;
}

const FIELDS: Record<keyof typeof POLYNOMIALS, Field> = {
  CRC32: { polynomial: POLYNOMIALS.CRC32, one: 1n << 31n },
  CRC32C: { polynomial: POLYNOMIALS.CRC32C, one: 1n << 31n },
  CRC64NVME: { polynomial: POLYNOMIALS.CRC64NVME, one: 1n << 63n },
};

const toBigInt = (digest: Buffer): bigint => BigInt(`0x${digest.toString('hex')}`);

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
