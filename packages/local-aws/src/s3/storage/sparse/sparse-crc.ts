/**
 * Computes the CRC of any range of generated content without generating the content.
 *
 * A CRC is linear, so the CRC of a stamped block is the CRC of block 0, plus a contribution of each set bit of the block's number. A series
 * of 2^k consecutive blocks is aligned if the number of its first block is a multiple of 2^k. The numbers in an aligned series share bit k
 * and all higher bits. So the CRC of the series is the CRC of the first 2^k blocks of the content, plus the contributions of the shared
 * bits. Every range consists of a few aligned series and a remainder at each end.
 */
import { combineCrc, crcOfDigest, crcShift, digestOfCrc, type CrcAlgorithm } from '../crc-combine.ts';
import { createCrcOf } from '../crc.ts';

/** Returns the CRC of `lengthBytes` of content from `position` as a big-endian digest. */
export type SparseCrc = (position: number, lengthBytes: number) => Buffer;

/** How many sizes an aligned series can have. The largest has 2^31 blocks, which are 128 TiB. */
const LEVELS = 32;

export const createSparseCrc = (
  algorithm: CrcAlgorithm,
  block: Buffer,
  read: (position: number, lengthBytes: number) => Iterable<Buffer>,
): SparseCrc => {
  const blockBytes = block.length;
  const levels = makeLevels(algorithm, block);
  const direct = (position: number, lengthBytes: number): Buffer => {
    const hasher = createCrcOf(algorithm);
    for (const chunk of read(position, lengthBytes)) hasher.update(chunk);
    return hasher.digest();
  };
  return (position, lengthBytes) => {
    const end = position + lengthBytes;
    const firstBlock = Math.ceil(position / blockBytes);
    const endBlock = Math.floor(end / blockBytes);
    if (firstBlock >= endBlock) return direct(position, lengthBytes);
    let crc = crcOfDigest(direct(position, firstBlock * blockBytes - position));
    for (const { start, level } of alignedSeries(firstBlock, endBlock)) {
      const known = levelAt(levels, level);
      crc = known.shift(crc) ^ seriesCrc(known, start, level);
    }
    const tailBytes = end - endBlock * blockBytes;
    const digest = digestOfCrc(algorithm, crc);
    return tailBytes === 0
      ? digest
      : combineCrc(algorithm, digest, direct(endBlock * blockBytes, tailBytes), tailBytes);
  };
};

interface Level {
  /** The CRC of the first 2^k blocks. */
  crc: bigint;
  /** `bits[j]` is what bit j contributes to the CRC if it is set in the numbers of all 2^k blocks. */
  bits: bigint[];
  /** Shifts a CRC by the length of 2^k blocks. */
  shift: (crc: bigint) => bigint;
}

const levelAt = (levels: Level[], level: number): Level => {
  const known = levels[level];
  if (known === undefined) throw new RangeError(`There is no series of 2^${level} blocks`);
  return known;
};

const makeLevels = (algorithm: CrcAlgorithm, block: Buffer): Level[] => {
  const crcOf = (bytes: Buffer): bigint => {
    const hasher = createCrcOf(algorithm);
    hasher.update(bytes);
    return crcOfDigest(hasher.digest());
  };
  const zero = crcOf(Buffer.alloc(block.length));
  const bits = Array.from({ length: LEVELS + 8 }, (_, bit) => {
    const stamp = Buffer.alloc(block.length);
    stamp.writeBigUInt64BE(1n << BigInt(bit), 8);
    return crcOf(stamp) ^ zero;
  });
  const levels: Level[] = [{ crc: crcOf(block), bits, shift: crcShift(algorithm, block.length) }];
  for (let level = 1; level < LEVELS; level += 1) {
    const { crc, bits: before, shift } = levelAt(levels, level - 1);
    levels.push({
      crc: shift(crc) ^ crc ^ (before[level - 1] ?? 0n),
      bits: before.map((bit) => shift(bit) ^ bit),
      shift: crcShift(algorithm, block.length * 2 ** level),
    });
  }
  return levels;
};

/** Returns the CRC of an aligned series. The bits of `start` are read by division, because `start` may exceed 32 bits. */
const seriesCrc = ({ crc, bits }: Level, start: number, level: number): bigint => {
  let sum = crc;
  for (let bit = level, rest = start / 2 ** level; rest >= 1; bit += 1, rest = Math.floor(rest / 2))
    if (rest % 2 >= 1) sum ^= bits[bit] ?? 0n;
  return sum;
};

function* alignedSeries(first: number, end: number): Iterable<{ start: number; level: number }> {
  for (let start = first; start < end;) {
    let level = 0;
    while (level + 1 < LEVELS && start % 2 ** (level + 1) === 0 && start + 2 ** (level + 1) <= end)
      level += 1;
    yield { start, level };
    start += 2 ** level;
  }
}
