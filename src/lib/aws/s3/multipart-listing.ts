/** What S3 knows of uploads that are not completed: their parts, and which there are. Page by page, as it is asked for. */
import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type MultipartUpload,
  type Part,
} from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import type { ListedPart, ListedUpload } from '../../model/ports.ts';
import { call, type Target } from './call.ts';
import { keyOf } from './object-history.ts';
import { storedChecksum } from './object-state.ts';

/** The most that S3 gives. */
const PAGE_ENTRIES = 1_000;

/** In order, those after this number. `lost-race` where the upload is gone. */
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
    throw broken('ListParts', 'a part has no number, ETag, size or date');
  return { partNumber, etag, sizeBytes, lastModifiedMs: modified.getTime(), checksum: storedChecksum(part) };
};

/** Null: that was all. */
const nextPart = (
  { IsTruncated: isTruncated }: ListPartsCommandOutput,
  parts: ListedPart[],
  marker: number,
): number | null => {
  if (isTruncated === undefined) throw unclear('ListParts');
  if (!isTruncated) return null;
  const last = parts.at(-1)?.partNumber ?? marker;
  if (last <= marker) throw lost('ListParts');
  return last;
};

/** Of keys with this prefix, whoever began them. */
export async function* listUploads(
  target: Target,
  bucket: string,
  prefix: string,
): AsyncGenerator<ListedUpload, void> {
  for (let marker: UploadMarker | null = { key: '', uploadId: '' }; marker !== null;) {
    const command = new ListMultipartUploadsCommand({
      Bucket: bucket,
      // XML cannot hold every character that a key can.
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
  const key = keyOf({ entry: upload }, answer);
  const { UploadId: uploadId, Initiated: initiated, Initiator: initiator } = upload;
  // Without its date, an upload could be taken for one that nobody wants any more.
  if (key === undefined || uploadId === undefined || initiated === undefined)
    throw broken('ListMultipartUploads', 'an upload has no key, id or date');
  return { key, uploadId, initiatedMs: initiated.getTime(), initiator: initiator?.ID ?? null };
};

/** Behind the last of this page. Null: that was all. */
const nextUpload = (
  { IsTruncated: isTruncated }: ListMultipartUploadsCommandOutput,
  uploads: ListedUpload[],
  marker: UploadMarker,
): UploadMarker | null => {
  if (isTruncated === undefined) throw unclear('ListMultipartUploads');
  if (!isTruncated) return null;
  const last = uploads.at(-1);
  if (last === undefined || (last.key === marker.key && last.uploadId === marker.uploadId))
    throw lost('ListMultipartUploads');
  return last;
};

const unclear = (operation: string): ReplicationError =>
  broken(operation, 'the answer of S3 does not say whether it is all');

const lost = (operation: string): ReplicationError =>
  broken(operation, 'the answer of S3 does not say where it goes on');

const broken = (operation: string, what: string): ReplicationError =>
  new ReplicationError('service-error', `${operation}: ${what}`);
