/**
 * Version ids: 32 opaque characters, like those of AWS, in a form that lets the local S3 recognise the ids that it issued.
 *
 * S3 rejects an id that it never issued ("Invalid version id specified"), distinguishes such an id from one whose version was
 * deleted, and continues a listing after an id that was deleted in the meantime. Therefore an id contains its order under a random
 * mask, and a checksum over both.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** `order` increases with every version in the service. */
export const createVersionId = (order: number): string => {
  const bytes = Buffer.alloc(24);
  randomBytes(12).copy(bytes);
  bytes.writeBigUInt64BE(BigInt(order) ^ bytes.readBigUInt64BE(0), 12);
  bytes.writeUInt32BE(check(bytes), 20);
  return bytes.toString('base64url').replaceAll('-', '.');
};

/** The order of an id that the local S3 issued; null for any other text. */
export const orderOfVersionId = (versionId: string): number | null => {
  if (!/^[\w.]{32}$/.test(versionId)) return null;
  const bytes = Buffer.from(versionId.replaceAll('.', '-'), 'base64url');
  if (bytes.length !== 24 || bytes.readUInt32BE(20) !== check(bytes)) return null;
  return Number(bytes.readBigUInt64BE(12) ^ bytes.readBigUInt64BE(0));
};

const check = (bytes: Buffer): number => crc32(bytes.subarray(0, 20), 0x53330000);
