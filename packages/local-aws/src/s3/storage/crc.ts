/**
 * The three CRCs that S3 stores: CRC32 (computed by zlib), CRC32C and CRC64NVME (computed in WebAssembly).
 *
 * S3 computes CRC64NVME for every object that is sent without a checksum, so most written bytes pass through CRC64NVME.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';
import { type AdvanceCrc, createCrcModule } from './crc-module.ts';

/** A CRC in progress. `digest` returns big-endian bytes, as S3 encodes CRCs. */
export interface Crc {
  update(chunk: Buffer): void;
  digest(): Buffer;
}

export const createCrc32 = (): Crc => {
  let value = 0;
  return {
    update: (chunk) => {
      value = zlibCrc32(chunk, value);
    },
    digest: () => uint32(value),
  };
};

export const createCrc32c = (): Crc => createCrc(advanceCrc32c, 4);

export const createCrc64Nvme = (): Crc => createCrc(advanceCrc64Nvme, 8);

/** The polynomials of the CRCs, in reflected form. */
export const POLYNOMIALS = {
  CRC32: 0xedb88320n,
  CRC32C: 0x82f63b78n,
  CRC64NVME: 0x9a6c9329ac4bc9b5n,
} as const;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

const advanceCrc32c = createCrcModule(POLYNOMIALS.CRC32C);
const advanceCrc64Nvme = createCrcModule(POLYNOMIALS.CRC64NVME);

const createCrc = (advance: AdvanceCrc, sizeBytes: 4 | 8): Crc => {
  const allOnes = (1n << BigInt(8 * sizeBytes)) - 1n;
  let register = allOnes;
  return {
    update: (chunk) => {
      register = advance(register, chunk);
    },
    digest: () => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt.asUintN(64, register ^ allOnes));
      return bytes.subarray(8 - sizeBytes);
    },
  };
};

const CREATE = { CRC32: createCrc32, CRC32C: createCrc32c, CRC64NVME: createCrc64Nvme };

export const createCrcOf = (algorithm: keyof typeof CREATE): Crc => CREATE[algorithm]();
