/** Copies the objects under a prefix with the bare SDK, one GET and one PUT each: the least that an S3 client in Node.js costs. */
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { mapConcurrently } from '../src/lib/model/concurrency.ts';

const [from = '', prefix = '', to = ''] = process.argv.slice(2);
const CONCURRENCY = 32;
/** Larger bodies are streamed. */
const HELD_BYTES = 64 * 1024;

const s3 = new S3Client({ forcePathStyle: true });
for await (const { Contents: objects = [] } of paginateListObjectsV2(
  { client: s3 },
  { Bucket: from, Prefix: prefix },
))
  await mapConcurrently(objects, CONCURRENCY, async ({ Key, Size = 0 }) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: from, Key }));
    const stream = Body as Readable;
    await s3.send(
      new PutObjectCommand({
        Bucket: to,
        Key,
        Body: Size > HELD_BYTES ? stream : await buffer(stream),
        ContentLength: Size,
      }),
    );
  });
