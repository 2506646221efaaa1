import { crc32 } from 'node:zlib';

/** Returns the CRC32 of a body in base64, the encoding of the header `x-amz-checksum-crc32`. */
export const base64Crc32 = (body: string): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
};
