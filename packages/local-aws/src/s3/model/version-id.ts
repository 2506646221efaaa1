/**
 * Version ids: 32 opaque characters, as S3's are, in which this S3 recognises its own.
 *
 * S3 refuses an id it never gave ("Invalid version id specified"), tells it from one whose version is gone, and goes on with a listing
 * after an id that was deleted meanwhile. So an id hides when it was given, under a random mask, with a check over both.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** `order` grows with every version of the service. */
export const createVersionId = (order: number): string => {
  const bytes = Buffer.alloc(24);
  randomBytes(12).copy(bytes);
  bytes.writeBigUInt64BE(BigInt(order) ^ bytes.readBigUInt64BE(0), 12);
  bytes.writeUInt32BE(check(bytes), 20);
  return bytes.toString('base64url').replaceAll('-', '.');
};

/** The order of an id this S3 gave; null for any other text. */
export const orderOfVersionId = (versionId: string): number | null => {
  if (!/^[\w.]{32}$/.test(versionId)) return null;
  const bytes = Buffer.from(versionId.replaceAll('.', '-'), 'base64url');
  if (bytes.length !== 24 || bytes.readUInt32BE(20) !== check(bytes)) return null;
  return Number(bytes.readBigUInt64BE(12) ^ bytes.readBigUInt64BE(0));
};

const check = (bytes: Buffer): number => crc32(bytes.subarray(0, 20), 0x53330000);
