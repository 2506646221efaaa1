/**
 * Finds out what an S3 service can do, by trying it with one key. The responses of a service to wrong requests show more than its
 * documentation. The probe removes what it writes, and names what it could not remove.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ServiceAnswer, ServiceAnswers } from '../../../model/service-answers.ts';
import { readError } from '../../read-error.ts';
import { withBodyText } from '../client/command-hooks.ts';
import { listedKinds } from '../listing/listed-kinds.ts';
import { PROBE_KEY } from '../client/sessions.ts';

interface Room {
  client: S3Client;
  Bucket: string;
  Key: string;
}

/** The key of the probe is below `prefix`, because the access key may be limited to it. */
export const probeService = async (
  client: S3Client,
  { bucket, prefix, nowMs }: { bucket: string; prefix: string; nowMs: number },
): Promise<ServiceAnswers> => {
  const room: Room = { client, Bucket: bucket, Key: `${prefix}${PROBE_KEY}${randomUUID()}` };
  const { Status: status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket }));
  const isVersioned = status === 'Enabled';
  try {
    const answers = {
      ...(await askConditions(room)),
      ...(await askBytes(room)),
      ...(isVersioned ? await askVersions(room) : { createsOverMarkers: UNKNOWN, order: UNKNOWN }),
    };
    return { answers, isVersioned, askedMs: nowMs, left: await clean(room) };
  } catch (error) {
    await clean(room);
    throw error;
  }
};

const UNKNOWN: ServiceAnswer = 'unknown';

const WRONG_ETAG = `"${'0'.repeat(32)}"`;

const put = async (
  { client, Bucket, Key }: Room,
  Body: string,
  more: Partial<PutObjectCommandInput> = {},
): Promise<string> => (await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))).ETag ?? '';

const etagOf = async ({ client, Bucket, Key }: Room): Promise<string | null> => {
  try {
    return (await client.send(new HeadObjectCommand({ Bucket, Key }))).ETag ?? null;
  } catch (error) {
    if (readError(error).status === 404) return null;
    throw error;
  }
};

/**
 * Returns `yes` if the service refuses the request with one of these statuses and leaves the object as it was. A service that refuses the
 * request because it lacks the feature gets `no`.
 */
const refuses = async (
  room: Room,
  statuses: readonly number[],
  ask: () => Promise<unknown>,
): Promise<ServiceAnswer> => {
  const before = await etagOf(room);
  try {
    await ask();
    return 'no';
  } catch (error) {
    const { status } = readError(error);
    if (status === null || status >= 500) return status === 501 ? 'no' : 'unknown';
    return statuses.includes(status) && (await etagOf(room)) === before ? 'yes' : 'no';
  }
};

const accepts = async (ask: () => Promise<boolean>): Promise<ServiceAnswer> => {
  try {
    return (await ask()) ? 'yes' : 'no';
  } catch (error) {
    const { status } = readError(error);
    return status === null || (status >= 500 && status !== 501) ? 'unknown' : 'no';
  }
};

const askConditions = async (
  room: Room,
): Promise<Record<'completes' | 'creates' | 'deletes' | 'refusesStale' | 'replaces', ServiceAnswer>> => {
  const { client, Bucket, Key } = room;
  const first = await put(room, 'first');
  return {
    creates: await refuses(room, [412], () => put(room, 'second', { IfNoneMatch: '*' })),
    refusesStale: await refuses(room, [412], () => put(room, 'third', { IfMatch: WRONG_ETAG })),
    replaces: await accepts(async () => {
      await put(room, 'first');
      await put(room, 'fourth', { IfMatch: first });
      return (await etagOf(room)) !== first;
    }),
    completes: await refuses(room, [412], () => complete(room, { IfNoneMatch: '*' })),
    deletes: await refuses(room, [412], () =>
      client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch: WRONG_ETAG })),
    ),
  };
};

const complete = async ({ client, Bucket, Key }: Room, condition: { IfNoneMatch: string }): Promise<void> => {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const upload = { Bucket, Key, UploadId };
  try {
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' }));
    await client.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: { Parts: [{ PartNumber: 1, ...(ETag === undefined ? {} : { ETag }) }] },
        ...condition,
      }),
    );
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
};

/** A CRC32 and an MD5 that do not match the bytes that are sent. */
const WRONG_CRC32 = 'AAAAAA==';
const WRONG_MD5 = 'AAAAAAAAAAAAAAAAAAAAAA==';
/** The CRC32 of `bytes`. */
const RIGHT = { body: 'bytes', crc32: 'sZlDzg==' };

const askBytes = async (
  room: Room,
): Promise<Record<'checksums' | 'md5' | 'stored' | 'tags' | 'trailers', ServiceAnswer>> => {
  const { client, Bucket, Key } = room;
  return {
    checksums: await refuses(room, [400], () => put(room, 'sent', { ChecksumCRC32: WRONG_CRC32 })),
    md5: await refuses(room, [400], () => put(room, 'sent', { ContentMD5: WRONG_MD5 })),
    stored: await accepts(async () => {
      await put(room, RIGHT.body, { ChecksumCRC32: RIGHT.crc32 });
      const shown = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
      return shown.ChecksumCRC32 === RIGHT.crc32;
    }),
    trailers: await accepts(async () => {
      const Body = Readable.from([Buffer.from(RIGHT.body)]);
      const command = new PutObjectCommand({
        Bucket,
        Key,
        Body,
        ContentLength: RIGHT.body.length,
        ChecksumAlgorithm: 'CRC32',
      });
      await client.send(command);
      // A service that does not know the encoding of trailers stores it as part of the object.
      const { ContentLength: stored } = await client.send(new HeadObjectCommand({ Bucket, Key }));
      return stored === RIGHT.body.length;
    }),
    tags: await accepts(async () => {
      await put(room, 'tagged', { Tagging: 's3-replicator=probe' });
      const { TagSet: tags = [] } = await client.send(new GetObjectTaggingCommand({ Bucket, Key }));
      return tags.some((tag) => tag.Key === 's3-replicator' && tag.Value === 'probe');
    }),
  };
};

const askVersions = async (room: Room): Promise<Record<'createsOverMarkers' | 'order', ServiceAnswer>> => {
  const { client, Bucket, Key } = room;
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  const createsOverMarkers = await accepts(async () => {
    await put(room, 'back', { IfNoneMatch: '*' });
    return true;
  });
  if (createsOverMarkers !== 'yes') await put(room, 'back');
  const texts: string[] = [];
  const command = new ListObjectVersionsCommand({ Bucket, Prefix: Key });
  withBodyText(command, (text) => texts.push(text));
  await client.send(command);
  const { kinds, isOneList } = listedKinds(texts.at(-1) ?? '');
  return {
    createsOverMarkers,
    order: isOneList && kinds[0] === 'version' && kinds[1] === 'marker' ? 'yes' : 'no',
  };
};

/** Removes all versions of the key. Returns the names of those that it could not remove. */
const clean = async ({ client, Bucket, Key }: Room): Promise<string[]> => {
  const left: string[] = [];
  try {
    const { Versions: versions = [], DeleteMarkers: markers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket, Prefix: Key }),
    );
    const ids = [...versions, ...markers].map(({ VersionId: id }) => id ?? 'null');
    for (const VersionId of ids)
      await client
        .send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
        .catch(() => void left.push(`${Key} ${VersionId}`));
  } catch {
    await client.send(new DeleteObjectCommand({ Bucket, Key })).catch(() => void left.push(Key));
  }
  return left;
};
