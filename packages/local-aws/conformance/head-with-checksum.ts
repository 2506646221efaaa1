/**
 * A function that reads an object's headers and additional checksum, and the AWS document about checksums.
 */
import { HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { s3Guide } from './behaviour.ts';

export const INTEGRITY = s3Guide('checking-object-integrity-upload');

export const head = (s3: S3Client, Bucket: string, Key: string): Promise<HeadObjectCommandOutput> =>
  s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
