/** PutObject. Source: API_PutObject.html. */
import { randomBytes } from 'node:crypto';
import { contentOfBlob, releaseContent, type Content } from '../storage/content.ts';
import { checksumHeader, type Checksum } from '../storage/checksums.ts';
import { conditionally, parseWriteCondition } from './conditional.ts';
import { encryptionHeaders } from '../access/encryption.ts';
import { S3Error } from '../errors.ts';
import { checkLockIntegrity, parseBodyClaims } from '../protocol/integrity.ts';
import { expirationHeader } from '../lifecycle/lifecycle.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Encryption, StoredObject } from '../model/object.ts';
import { notify } from '../notifications/notifications.ts';
import type { Occurrence } from '../notifications/occurrence.ts';
import { parseDescription } from './object-description.ts';
import { receiveObject } from '../protocol/receive.ts';
import type { Answer, ObjectContext } from '../protocol/request.ts';
import type { S3State } from '../model/state.ts';
import { eventVersionId, putVersion, writtenVersionHeader } from '../model/versions.ts';
import { authorizeWrite } from '../access/write-access.ts';

export const putObject = async (context: ObjectContext): Promise<Answer> => {
  const { state, request, bucket, key } = context;
  const description = parseDescription(context);
  authorizeWrite(context, description, true);
  const claims = parseBodyClaims(request);
  checkLockIntegrity(
    claims,
    { asked: description.lock, bucketLock: bucket.objectLock },
    'Put Object',
    state.lockTakesTrailers,
  );
  const condition = parseWriteCondition(request);
  const algorithm = claims.checksum?.algorithm ?? 'CRC64NVME';
  const stored = await conditionally(
    { bucket, key, condition },
    () => receiveObject(state, request, claims, algorithm),
    (body, judge) => {
      const content = contentOfBlob(body.blob);
      judgeOrRelease(context, content, judge);
      const object = putVersion(state, bucket, key, {
        kind: 'object',
        ...description,
        lastModifiedMs: state.clock.now(),
        content,
        etag: etagOf(body.md5, description.encryption),
        checksum: { algorithm, type: 'FULL_OBJECT', value: body.checksum },
        parts: null,
      });
      announceObject(context, object, { event: 'ObjectCreated:Put', reason: 'PutObject' });
      return object;
    },
  );
  return {
    status: 200,
    headers: { ...writtenHeaders(state, bucket, stored), ...expirationHeader(bucket, key, stored) },
  };
};

/** Returns the ETag of a new object: its MD5, or 32 random digits if it is encrypted with a KMS key or a customer's key. */
export const etagOf = (md5: string, encryption: Encryption): string =>
  encryption.algorithm === 'AES256' ? md5 : randomBytes(16).toString('hex');

/** Returns the headers about a written object: ETag, version, encryption and checksum. */
const writtenHeaders = (state: S3State, bucket: Bucket, stored: StoredObject): Record<string, string> => ({
  ETag: `"${stored.etag}"`,
  ...writtenVersionHeader(stored),
  ...encryptionHeaders(state, bucket, stored.encryption),
  ...checksumHeaders(stored.checksum),
});

export const checksumHeaders = (checksum: Checksum): Record<string, string> => ({
  [checksumHeader(checksum.algorithm)]: checksum.value,
  'x-amz-checksum-type': checksum.type,
});

/** Runs `judge`. If it throws, or if the bucket was deleted while the content arrived, releases the content and throws. */
export const judgeOrRelease = (context: ObjectContext, content: Content, judge: () => void): void => {
  const { state, bucket } = context;
  try {
    if (state.buckets.get(bucket.name) !== bucket)
      throw new S3Error('NoSuchBucket', { elements: { BucketName: bucket.name } });
    judge();
  } catch (error) {
    releaseContent(content);
    throw error;
  }
};

/**
 * Sends the event about a new object. Must be called right after the commit, without an `await` in between, so that events have the order
 * of the commits.
 */
export const announceObject = (
  context: ObjectContext,
  object: StoredObject,
  what: Pick<Occurrence, 'event' | 'reason'>,
): void => {
  const { state, request, bucket, key } = context;
  notify(state, bucket, {
    ...what,
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    sizeBytes: object.content.sizeBytes,
    origin: request.aws,
  });
};
