/** Object lock that is set when an object is written: by PUT, multipart upload and copy. */
import { hash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  PutObjectLockConfigurationCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { base64Crc32 } from './base64-crc32.ts';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { oneOf, same } from './difference.ts';
import { governed, inHours, lockOf, NO_LOCK } from './locked-objects.ts';

export const aLockComesWithThePut = behaviour(
  'PutObject sets retention and legal hold by headers, and HeadObject, GetObjectRetention and GetObjectLegalHold return them.',
  s3Api('API_PutObject'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const lock = governed(context);
    await put(Bucket, Key, 'content', { ...lock, ObjectLockLegalHoldStatus: 'ON' });
    const until = lock.ObjectLockRetainUntilDate;
    same('HEAD', await lockOf(context, Bucket, Key), ['GOVERNANCE', until.toISOString(), 'ON']);
    const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key }));
    same('retention', Retention, { Mode: 'GOVERNANCE', RetainUntilDate: until });
    const { LegalHold } = await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key }));
    same('legal hold', LegalHold, { Status: 'ON' });
  },
);

export const lockedWritesProveTheirBytes = behaviour(
  'PutObject with object-lock headers fails with 400 InvalidRequest unless it has Content-MD5 or a checksum.',
  s3Api('API_PutObject'),
  async (context) => {
    const { bucket, key, raw } = context;
    const target = { bucket: await bucket('locked'), key: key(), body: 'content' };
    const headers = {
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': inHours(context, 1).toISOString(),
    };
    const without = await raw('PUT', { ...target, headers });
    same('without', `${without.status} ${without.code}`, '400 InvalidRequest');
    const md5 = hash('md5', 'content', 'base64');
    const answer = await raw('PUT', { ...target, headers: { ...headers, 'content-md5': md5 } });
    oneOf('with Content-MD5', `${answer.status} ${answer.code}`, ['200 null']);
  },
);

export const aTrailerIsNoProofUnderALock = behaviour(
  'PutObject with object-lock headers and UploadPart of a locked upload fail with 400 InvalidRequest if the checksum is in the trailer.',
  s3Api('API_UploadPart'),
  async (context) => {
    const { bucket, key, raw, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const lock = governed(context);
    const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...lock }));
    const query = { partNumber: '1', uploadId: UploadId };
    const body = `1\r\na\r\n0\r\nx-amz-checksum-crc32:${base64Crc32('a')}\r\n\r\n`;
    const payloadHash = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
    const headers = {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '1',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    };
    const part = await raw('PUT', { bucket: Bucket, key: Key, query, headers, body, payloadHash });
    same('part', `${part.status} ${part.code}`, '400 InvalidRequest');
    const held = { ...headers, 'x-amz-object-lock-legal-hold': 'ON' };
    const object = await raw('PUT', { bucket: Bucket, key: Key, headers: held, body, payloadHash });
    same('object', `${object.status} ${object.code}`, '400 InvalidRequest');
  },
);

export const uploadsKeepTheSettingsOfTheirCreation = behaviour(
  'A multipart upload keeps the default retention and the default encryption that the bucket had when the upload was created.',
  s3Guide('mpuoverview'),
  async (context) => {
    const { freshBucket, key, raw, s3 } = context;
    const Bucket = await freshBucket('locked');
    const Key = key();
    const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const DefaultRetention = { Mode: 'GOVERNANCE', Days: 1 } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } } as const;
    await s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    const send = (query: Record<string, string>) =>
      raw('PUT', { bucket: Bucket, key: Key, query, body: 'content' });
    const part = await send({ partNumber: '1', uploadId: UploadId });
    same('part of the older upload', part.status, 200);
    const object = await send({});
    same('object', `${object.status} ${object.code}`, '400 InvalidRequest');
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.headers.etag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    same('lock', await lockOf(context, Bucket, Key), NO_LOCK);
  },
);

export const uploadsTakeTheirLockAtTheirCreation = behaviour(
  'CreateMultipartUpload determines the lock of the completed object, and UploadPart then requires Content-MD5 or a checksum.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const { bucket, key, raw, s3 } = context;
    const Bucket = await bucket('locked');
    const Key = key();
    const lock = governed(context);
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...lock }));
    const part = { Bucket, Key, UploadId, PartNumber: 1 };
    const query = { partNumber: '1', uploadId: UploadId ?? '' };
    const bare = await raw('PUT', { bucket: Bucket, key: Key, query, body: 'content' });
    same('part without', `${bare.status} ${bare.code}`, '400 InvalidRequest');
    const { ETag, ChecksumCRC32 } = await s3.send(
      new UploadPartCommand({ ...part, Body: 'content', ChecksumAlgorithm: 'CRC32' }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const until = lock.ObjectLockRetainUntilDate.toISOString();
    same('object', (await lockOf(context, Bucket, Key)).slice(0, 2), ['GOVERNANCE', until]);
  },
);

export const copiesTakeNoLockAlong = behaviour(
  'CopyObject does not copy the lock of the source, and locks the copy only if the request sets a lock.',
  s3Api('API_CopyObject'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('locked');
    const [source, free, locked] = [key('source'), key('free'), key('locked')];
    await put(Bucket, source, 'content', { ...governed(context), ObjectLockLegalHoldStatus: 'ON' });
    const CopySource = `${Bucket}/${source}`;
    await s3.send(new CopyObjectCommand({ Bucket, Key: free, CopySource }));
    same('copy', await lockOf(context, Bucket, free), NO_LOCK);
    const { ObjectLockMode, ObjectLockRetainUntilDate } = governed(context, 2);
    const lock = { ObjectLockMode, ObjectLockRetainUntilDate };
    await s3.send(new CopyObjectCommand({ Bucket, Key: locked, CopySource, ...lock }));
    const until = ObjectLockRetainUntilDate.toISOString();
    same('locked copy', (await lockOf(context, Bucket, locked)).slice(0, 2), ['GOVERNANCE', until]);
  },
);
