/**
 * The simplest copy with the SDK, for comparison. It passes one GET of the whole object to lib-storage's Upload, with the SDK's defaults.
 */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

export interface LibStorageEvent {
  sourceBucket: string;
  destinationBucket: string;
  key: string;
  partBytes: number;
}

// By default the SDK would check the body against its checksum. The counterpart's bodies do not match their checksums.
const client = new S3Client({ forcePathStyle: true, responseChecksumValidation: 'WHEN_REQUIRED' });

export const handler = async (event: LibStorageEvent): Promise<null> => {
  const { sourceBucket, destinationBucket, key, partBytes } = event;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: sourceBucket, Key: key }));
  if (Body === undefined) throw new Error('no body');
  const params = { Bucket: destinationBucket, Key: key, Body };
  await new Upload({
    client,
    params,
    queueSize: 4,
    ...(partBytes > 0 ? { partSize: partBytes } : {}),
  }).done();
  return null;
};
