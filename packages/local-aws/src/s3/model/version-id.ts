/**
 * Version ids: 32 opaque characters, like the version ids of AWS.
 *
 * S3 rejects an id that it never issued ("Invalid version id specified"), but not the id of a deleted version. It can also continue a
 * listing after the id of a deleted version. To make this possible here, an id contains the version's order, hidden by a random mask, and a
 * checksum of both.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Creates the version id for an `order`, a number that increases with every version. */
export const createVersionId = (order: number): string => {
  const bytes = Buffer.alloc(24);
  randomBytes(12).copy(bytes);
  bytes.writeBigUInt64BE(BigInt(order) ^ bytes.readBigUInt64BE(0), 12);
  bytes.writeUInt32BE(check(bytes), 20);
  return bytes.toString('base64url').replaceAll('-', '.');
};

/** Returns the order in a version id that the local S3 issued; null for any other text. */
export const orderOfVersionId = (versionId: string): number | null => {
  if (!/^[\w.]{32}$/.test(versionId)) return null;
  const bytes = Buffer.from(versionId.replaceAll('.', '-'), 'base64url');
  if (bytes.length !== 24 || bytes.readUInt32BE(20) !== check(bytes)) return null;
  return Number(bytes.readBigUInt64BE(12) ^ bytes.readBigUInt64BE(0));
};

const check = (bytes: Buffer): number => crc32(bytes.subarray(0, 20), 0x53330000);
