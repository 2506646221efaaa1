/**
 * Finds out what an S3 service can do, by trying it with one key. The responses of a service to wrong requests show more than its
 * documentation. The probe removes everything that it writes, and names the keys that it could not remove.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ServiceAnswer, ServiceAnswers } from '../../../model/service-answers.ts';
import { withBodyText } from '../client/command-hooks.ts';
import { listedKinds } from '../listing/listed-kinds.ts';
import { PROBE_KEY } from '../client/sessions.ts';
import { askConditions } from './probe-conditions.ts';
import { accepts, put, refuses, type Room } from './probe-room.ts';

/** Probes a service. The key of the probe is below `prefix`, because the access key may be limited to it. */
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
      pages: await accepts(() => listsPages(room)),
      ...(isVersioned ? await askVersions(room) : { createsOverMarkers: UNKNOWN, order: UNKNOWN }),
    };
    return { answers, isVersioned, askedMs: nowMs, left: await clean(room, isVersioned) };
  } catch (error) {
    await clean(room, isVersioned);
    throw error;
  }
};

const UNKNOWN: ServiceAnswer = 'unknown';

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

/** Maximum number of keys that are read. The probe has written fewer. */
const MAX_KEYS = 20;

/**
 * Returns true if small pages show the first and the last key of the probe, in order, and say where the listing ends. A page of one key would
 * show less: MinIO answers it with the key that is the prefix, as if no others followed.
 */
const listsPages = async (room: Room): Promise<boolean> => {
  const { client, Bucket, Key } = room;
  const last = `${Key}~`;
  await put({ ...room, Key: last }, 'last');
  const keys: string[] = [];
  for (let isTruncated = true; isTruncated && keys.length < MAX_KEYS;) {
    const list = { Bucket, Prefix: Key, MaxKeys: 2, StartAfter: keys.at(-1) };
    const page = await client.send(new ListObjectsV2Command(list));
    const found = (page.Contents ?? []).map((entry) => entry.Key ?? '');
    isTruncated = page.IsTruncated === true;
    if (found.length > 2 || (found.length === 0 && isTruncated)) return false;
    keys.push(...found);
  }
  const isInOrder = keys.every((key, index) => index === 0 || key > (keys[index - 1] ?? ''));
  return isInOrder && keys[0] === Key && keys.at(-1) === last;
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

/** Removes all versions of the keys of the probe. Returns the names of those that it could not remove. */
const clean = async ({ client, Bucket, Key }: Room, isVersioned: boolean): Promise<string[]> => {
  const left: string[] = [];
  const remove = async (found: {
    Key?: string | undefined;
    VersionId?: string | undefined;
  }): Promise<void> => {
    const { Key: name = Key, VersionId } = found;
    const version = VersionId === undefined ? '' : ` ${VersionId}`;
    await client
      .send(new DeleteObjectCommand({ Bucket, Key: name, VersionId }))
      .catch(() => void left.push(`${name}${version}`));
  };
  try {
    const list = { Bucket, Prefix: Key };
    const { Versions: versions = [], DeleteMarkers: markers = [] } = isVersioned
      ? await client.send(new ListObjectVersionsCommand(list))
      : {};
    for (const found of [...versions, ...markers])
      await remove({ ...found, VersionId: found.VersionId ?? 'null' });
    const { Contents: objects = [] } = await client.send(new ListObjectsV2Command(list));
    for (const found of left.length > 0 ? [] : objects) await remove({ Key: found.Key });
  } catch {
    await remove({});
  }
  return left;
};
