/** What ListParts says of a transfer's upload. */
import type { DestinationBucket, ListedPart } from '../../model/ports.ts';
import type { PartRange, Transfer } from './transfer.ts';

/** In order; all of them without a range. Throws `lost-race` where the upload is gone. */
export const partsThere = async (
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
