/** Uploads and removes the object of a canary, with the credentials of the caller. */
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Tags } from '../../model/ports.ts';
import { taggingHeader } from '../../replica/tagging-header.ts';
import { SDK_LOGGER } from '../sdk-logger.ts';
import { forcePathStyle } from '../s3/client/path-style.ts';
import { ask, type Asked } from './asked.ts';

export interface CanaryObject {
  upload(body: Buffer, tags: Tags): Promise<Asked<null>>;
  /** Removes the object. The request has no version id, so in a versioned bucket a delete marker hides the object. */
  remove(): Promise<Asked<null>>;
}

export const createCanaryObject = (place: {
  region: string;
  bucket: string;
  key: string;
  account: string;
}): CanaryObject => {
  const client = new S3Client({ region: place.region, logger: SDK_LOGGER, forcePathStyle: forcePathStyle() });
  const named = { Bucket: place.bucket, Key: place.key, ExpectedBucketOwner: place.account };
  return {
    upload: (body, tags) =>
      ask('s3:PutObject', async () => {
        const tagging = taggingHeader(tags);
        await client.send(
          new PutObjectCommand({ ...named, Body: body, ...(tagging === null ? {} : { Tagging: tagging }) }),
        );
        return null;
      }),
    remove: () =>
      ask('s3:DeleteObject', async () => {
        await client.send(new DeleteObjectCommand(named));
        return null;
      }),
  };
};
