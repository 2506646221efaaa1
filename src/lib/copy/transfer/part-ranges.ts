/** Cuts transfers into part ranges, finds their missing parts, and writes and reads their messages. */
import { NEW_CHAIN, parseChain } from '../../model/chain.ts';
import { isCount, recordIn } from '../../model/json.ts';
import { assertKnown } from '../../model/schemas.ts';
import type { DestinationBucket, ListedPart } from '../../model/ports.ts';
import { MAX_UPLOAD_PARTS, partCount, partSizes } from '../part-plan.ts';
import type { PartRange, PartRangeMessage, Transfer } from './transfer.ts';

type Parts = Pick<Transfer, 'layout' | 'version'>;

/**
 * Returns part ranges that cover all parts, in order. Each range has at most `rangeBytes`, except a range that consists of a
 * single larger part.
 */
export const cutIntoPartRanges = ({ layout, version }: Parts, rangeBytes: number): PartRange[] => {
  const ranges: PartRange[] = [];
  let bytes = 0;
  for (const [index, partBytes] of partSizes(layout, version.sizeBytes).entries()) {
    const partNumber = index + 1;
    const last = ranges.at(-1);
    if (last !== undefined && bytes + partBytes <= rangeBytes) last.lastPart = partNumber;
    else {
      ranges.push({ firstPart: partNumber, lastPart: partNumber });
      bytes = 0;
    }
    bytes += partBytes;
  }
  return ranges;
};

/** Returns the ranges in which at least one part is missing. */
export const unfinishedPartRanges = (
  transfer: Parts,
  ranges: readonly PartRange[],
  listed: readonly ListedPart[],
): PartRange[] => {
  const missing = new Set(missingParts(transfer, allParts(transfer), listed));
  return ranges.filter((range) => numbersIn(range).some((partNumber) => missing.has(partNumber)));
};

/** Returns the numbers of the parts in the range that are not listed, or are listed with a wrong size. */
export const missingParts = (
  { layout, version }: Parts,
  range: PartRange,
  listed: readonly ListedPart[],
): number[] => {
  const sizes = partSizes(layout, version.sizeBytes);
  const isNumbered = layout.kind === 'numbered';
  const there = new Set(
    listed
      .filter((part) => isNumbered || part.sizeBytes === sizes[part.partNumber - 1])
      .map(({ partNumber }) => partNumber),
  );
  return numbersIn(range).filter((partNumber) => !there.has(partNumber));
};

const allParts = ({ layout, version }: Parts): PartRange => ({
  firstPart: 1,
  lastPart: partCount(layout, version.sizeBytes),
});

const numbersIn = ({ firstPart, lastPart }: PartRange): number[] =>
  Array.from({ length: lastPart - firstPart + 1 }, (_, index) => firstPart + index);

/** Returns true if all parts are listed, and their sizes add up to the size of the object. */
export const isComplete = (transfer: Parts, listed: readonly ListedPart[]): boolean => {
  const all = allParts(transfer);
  return (
    listed.length === all.lastPart &&
    sumOfBytes(listed) === transfer.version.sizeBytes &&
    missingParts(transfer, all, listed).length === 0
  );
};

/**
 * Lists the parts in the range, in order. Without a range, lists all parts of the upload. Throws `lost-race` if the upload is
 * gone.
 */
export const listedParts = async (
  destination: DestinationBucket,
  { replicaKey, uploadId }: Pick<Transfer, 'replicaKey' | 'uploadId'>,
  { firstPart, lastPart }: PartRange = { firstPart: 1, lastPart: Infinity },
): Promise<ListedPart[]> => {
  const parts: ListedPart[] = [];
  for await (const part of destination.parts({ key: replicaKey, uploadId, after: firstPart - 1 })) {
    if (part.partNumber > lastPart) break;
    parts.push(part);
  }
  return parts;
};

export const sumOfBytes = (parts: readonly { sizeBytes: number }[]): number =>
  parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** Returns the time when a part was last written to the upload, in milliseconds since the epoch, or 0 if there is no part. */
export const lastMovedMs = (parts: readonly ListedPart[]): number =>
  parts.reduce((latest, { lastModifiedMs }) => Math.max(latest, lastModifiedMs), 0);

export const partRangeMessage = (
  { id, uploadId, attempt, chain, rule, destination, bucket, key, run }: Transfer,
  range: PartRange,
): PartRangeMessage => ({
  id,
  uploadId,
  attempt,
  chain,
  rule,
  destination,
  bucket,
  key,
  run,
  ...range,
});

/** Parses the body of a message. Returns null if the message is not a part range. Throws `newer-release`. */
export const parsePartRangeMessage = (body: string): PartRangeMessage | null => {
  const json = recordIn(body);
  assertKnown('part range', json['v']);
  const { id, uploadId, attempt, rule, destination, bucket, key, run, firstPart, lastPart } = json;
  const chain = parseChain(json['chain']) ?? { ...NEW_CHAIN, version: '' };
  if (
    typeof id !== 'string' ||
    typeof uploadId !== 'string' ||
    typeof rule !== 'string' ||
    typeof destination !== 'string' ||
    typeof bucket !== 'string' ||
    typeof key !== 'string' ||
    !isCount(attempt) ||
    !isCount(firstPart) ||
    !isCount(lastPart) ||
    firstPart < 1 ||
    lastPart < firstPart ||
    lastPart > MAX_UPLOAD_PARTS
  )
    return null;
  const message = { id, uploadId, attempt, chain, rule, destination, bucket, key, firstPart, lastPart };
  return { ...message, run: typeof run === 'string' ? run : null };
};
