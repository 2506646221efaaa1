/**
 * The cheapest possible copy through this machine with the AWS SDK: one GET and one PUT for each object. The keys are known in advance,
 * so nothing is listed.
 */
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mapConcurrently } from '../src/lib/model/concurrency.ts';
import { keyOf } from './peers-buckets.ts';

const [from = '', to = '', count = '0', concurrency = '1'] = process.argv.slice(2);
const client = new S3Client({
  forcePathStyle: true,
  expectContinueHeader: false,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
});
const keys = Array.from({ length: Number(count) }, (_, index) => keyOf(index));
await mapConcurrently(keys, Number(concurrency), async (Key) => {
  const { Body: body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: from, Key }));
  if (!(body instanceof Readable)) throw new Error(`no body: ${Key}`);
  const isSmall = (ContentLength ?? 0) <= 65_536;
  const Body = isSmall ? await buffer(body) : body;
  await client.send(new PutObjectCommand({ Bucket: to, Key, Body, ContentLength }));
});
client.destroy();
