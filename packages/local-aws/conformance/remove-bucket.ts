/** Removes a bucket with all its contents. */
import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  type DeleteObjectsCommandInput,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectLegalHoldCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { listedKey } from './listed-key.ts';

export const removeBucket = async (s3: S3Client, Bucket: string): Promise<void> => {
  await untilEmpty(`uploads in ${Bucket}`, async () => {
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
    for (const { Key, UploadId } of Uploads)
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    return Uploads.map(({ UploadId }) => UploadId);
  });
  await untilEmpty(`objects in ${Bucket}`, async () => {
    const list = await s3.send(new ListObjectVersionsCommand({ Bucket, EncodingType: 'url' }));
    const entries = [...(list.Versions ?? []), ...(list.DeleteMarkers ?? [])];
    if (entries.length > 0) await deleteAll(s3, Bucket, entries, list.EncodingType);
    return entries.map(({ Key, VersionId }) => `${Key} ${VersionId}`);
  });
  await s3.send(new DeleteBucketCommand({ Bucket }));
};

/**
 * Calls `removePage` until it finds no more entries. Throws if a page is the same as the one before, because
 * some servers report entries as removed that still exist.
 */
const untilEmpty = async (what: string, removePage: () => Promise<unknown[]>): Promise<void> => {
  let before = '';
  for (;;) {
    const removed = await removePage();
    if (removed.length === 0) return;
    const now = JSON.stringify(removed);
    if (now === before) throw new Error(`${what} are still there after they were deleted`);
    before = now;
  }
};

const deleteAll = async (
  s3: S3Client,
  Bucket: string,
  entries: { Key?: string | undefined; VersionId?: string | undefined }[],
  encodingType: string | undefined,
): Promise<void> => {
  const objects = entries.map(({ Key = '', VersionId }) => ({
    Key: listedKey(Key, encodingType),
    ...(VersionId !== undefined && { VersionId }),
  }));
  // XML cannot represent control characters. Keys with such characters are therefore deleted one by one.
  const Objects = objects.filter(({ Key }) => !NOT_IN_XML.test(Key));
  for (const object of objects.filter(({ Key }) => NOT_IN_XML.test(Key)))
    await s3.send(new DeleteObjectCommand({ Bucket, ...object }));
  if (Objects.length === 0) return;
  const input: DeleteObjectsCommandInput = { Bucket, Delete: { Objects, Quiet: true } };
  const { Errors = [] } = await s3.send(new DeleteObjectsCommand(input));
  for (const { Key = '', VersionId } of Errors) await unlockAndDelete(s3, { Bucket, Key, VersionId });
};

/**
 * Deletes a version in spite of a legal hold or governance retention. Compliance retention cannot be
 * bypassed. Therefore behaviours that set compliance retention set it for a short time only, and wait until
 * the retention has ended.
 */
const unlockAndDelete = async (
  s3: S3Client,
  version: { Bucket: string; Key: string; VersionId: string | undefined },
): Promise<void> => {
  // This call fails if the bucket has no object lock. If there is a real error, the deletion below reports
  // it.
  await s3
    .send(new PutObjectLegalHoldCommand({ ...version, LegalHold: { Status: 'OFF' } }))
    .catch(() => undefined);
  await s3.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true }));
};

// oxlint-disable-next-line no-control-regex -- the characters that this finds are control characters
const NOT_IN_XML = /[\u0000-\u001f\ufffe\uffff]/;
