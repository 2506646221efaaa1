/** Lists uploads that are not completed, and their parts. Each page is fetched only when the caller has read the page before it. */
import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type MultipartUpload,
  type Part,
} from '@aws-sdk/client-s3';
import type { ListedPart, ListedUpload } from '../../../model/ports.ts';
import { brokenAnswer } from '../client/broken-answer.ts';
import { call, type Target } from '../client/call.ts';
import { isLastPage, keyOf, noNextPage, PAGE_ENTRIES } from './listing-answers.ts';
import { storedChecksum } from '../object/object-state.ts';

/** Yields the parts with a number above `after`, in order. Throws `lost-race` when the upload is gone. */
export async function* listParts(
  target: Target,
  { bucket, key, uploadId, after }: { bucket: string; key: string; uploadId: string; after: number },
): AsyncGenerator<ListedPart, void> {
  for (let marker: number | null = after; marker !== null;) {
    const command = new ListPartsCommand({
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
      MaxParts: PAGE_ENTRIES,
      ...(marker === 0 ? {} : { PartNumberMarker: String(marker) }),
    });
    const answer: ListPartsCommandOutput = await call(target, 'ListParts', (client, options) =>
      client.send(command, options),
    );
    const parts = (answer.Parts ?? []).map(listedPart);
    yield* parts;
    marker = nextPart(answer, parts, marker);
  }
}

const listedPart = (part: Part): ListedPart => {
  const { PartNumber: partNumber, ETag: etag, Size: sizeBytes, LastModified: modified } = part;
  if (partNumber === undefined || etag === undefined || sizeBytes === undefined || modified === undefined)
    throw brokenAnswer('ListParts', 'a part has no number, ETag, size or date');
  return { partNumber, etag, sizeBytes, lastModifiedMs: modified.getTime(), checksum: storedChecksum(part) };
};

/** Returns the last part number of this page, which is the marker of the next page. Returns null after the last page. */
const nextPart = (answer: ListPartsCommandOutput, parts: ListedPart[], marker: number): number | null => {
  if (isLastPage('ListParts', answer)) return null;
  const last = parts.at(-1)?.partNumber ?? marker;
  if (last <= marker) throw noNextPage('ListParts');
  return last;
};

/** Yields the uploads of keys with this prefix, including uploads that others began. */
export async function* listUploads(
  target: Target,
  bucket: string,
  prefix: string,
): AsyncGenerator<ListedUpload, void> {
  for (let marker: UploadMarker | null = { key: '', uploadId: '' }; marker !== null;) {
    const command = new ListMultipartUploadsCommand({
      Bucket: bucket,
      // A key can contain characters that XML cannot represent.
      EncodingType: 'url',
      MaxUploads: PAGE_ENTRIES,
      ...(prefix === '' ? {} : { Prefix: prefix }),
      ...(marker.key === '' ? {} : { KeyMarker: marker.key, UploadIdMarker: marker.uploadId }),
    });
    const answer: ListMultipartUploadsCommandOutput = await call(
      target,
      'ListMultipartUploads',
      (client, options) => client.send(command, options),
    );
    const uploads = (answer.Uploads ?? []).map((upload) => listedUpload(upload, answer));
    yield* uploads;
    marker = nextUpload(answer, uploads, marker);
  }
}

interface UploadMarker {
  key: string;
  uploadId: string;
}

const listedUpload = (upload: MultipartUpload, answer: ListMultipartUploadsCommandOutput): ListedUpload => {
  const key = keyOf(upload, answer);
  const { UploadId: uploadId, Initiated: initiated, Initiator: initiator } = upload;
  // Without this check, an upload without a date could be mistaken for an abandoned upload.
  if (key === undefined || uploadId === undefined || initiated === undefined)
    throw brokenAnswer('ListMultipartUploads', 'an upload has no key, id or date');
  const { ChecksumAlgorithm: algorithm, ChecksumType: type } = upload;
  return {
    key,
    uploadId,
    initiatedMs: initiated.getTime(),
    initiator: initiator?.ID ?? null,
    checksum: algorithm === undefined || type === undefined ? null : { algorithm, type },
  };
};

/** Returns the last upload of this page, which is the marker of the next page. Returns null after the last page. */
const nextUpload = (
  answer: ListMultipartUploadsCommandOutput,
  uploads: ListedUpload[],
  marker: UploadMarker,
): UploadMarker | null => {
  if (isLastPage('ListMultipartUploads', answer)) return null;
  const last = uploads.at(-1);
  if (last === undefined || (last.key === marker.key && last.uploadId === marker.uploadId))
    throw noNextPage('ListMultipartUploads');
  return last;
};
