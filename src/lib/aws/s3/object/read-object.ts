/** GET of one pinned version, whole or in slices. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import type { Checksum, Pin, Slice, SlicedBody } from '../../../model/ports.ts';
import type { CallOptions, Target } from '../client/call.ts';
import { bodyOf, getObject } from './get-object.ts';
import { storedChecksum } from './object-state.ts';

export const readSlice = async (
  target: Target,
  { bucket, key, pin, slice }: { bucket: string; key: string; pin: Pin; slice: Slice },
  onError?: CallOptions['onError'],
): Promise<SlicedBody> => {
  const answer = await getObject(
    target,
    {
      Bucket: bucket,
      Key: key,
      ...pinned(pin),
      ...(slice.kind === 'part' ? { PartNumber: slice.partNumber } : {}),
      ...(slice.kind === 'range' ? { Range: `bytes=${slice.firstByte}-${slice.lastByte}` } : {}),
    },
    onError,
  );
  return slicedBody(target, answer, pin, slice);
};

export const pinned = (pin: Pin): { IfMatch: string; VersionId?: string } => ({
  IfMatch: pin.etag,
  ...(pin.versionId === null ? {} : { VersionId: pin.versionId }),
});

/**
 * Returns the body of a response. Refuses a response that does not match the request, because some servers ignore If-Match, Range or
 * PartNumber.
 */
const slicedBody = (target: Target, answer: GetObjectCommandOutput, pin: Pin, slice: Slice): SlicedBody => {
  const body = bodyOf(target, answer);
  const sizeBytes = answer.ContentLength ?? -1;
  const expected = expectedBytes(pin, slice);
  if (answer.ETag !== pin.etag) {
    body.destroy();
    throw new ReplicationError('lost-race', 'the object was replaced while it was read');
  }
  if (sizeBytes < 0 || (expected !== null && sizeBytes !== expected)) {
    body.destroy();
    throw new ReplicationError(
      'service-error',
      `S3 sent ${sizeBytes} bytes where ${expected} were asked for`,
    );
  }
  return { body, sizeBytes, checksum: slice.kind === 'part' ? checksumOfPart(answer, pin) : null };
};

/**
 * Returns the checksum of a part. S3 sends the checksum of the part, but with the type of the whole object's checksum. Some servers send
 * the checksum of the whole object instead. In that case, the result is null.
 */
const checksumOfPart = (answer: GetObjectCommandOutput, pin: Pin): Checksum | null => {
  const stored = storedChecksum(answer);
  const isOfWhole = stored === null || /-\d+$/.test(stored.value) || stored.value === pin.checksum?.value;
  return isOfWhole ? null : { ...stored, type: 'FULL_OBJECT' };
};

const expectedBytes = (pin: Pin, slice: Slice): number | null => {
  switch (slice.kind) {
    case 'whole':
      return pin.sizeBytes;
    case 'range':
      return slice.lastByte - slice.firstByte + 1;
    case 'part':
      return null;
  }
};
