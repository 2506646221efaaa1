/** Creates sparse objects, which have any size but need no storage, because their content is generated when it is read. */
import { ServerResponse, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createHash, randomUUID } from 'node:crypto';
import {
  crcOfParts,
  isCrc,
  type Checksum,
  type ChecksumPlan,
  planUploadChecksum,
} from '../storage/checksums.ts';
import { contentOfBlob } from '../storage/content.ts';
import { S3Error } from '../errors.ts';
import type { PartDescription } from '../model/object.ts';
import { parseDescription } from './object-description.ts';
import { announceObject } from './put-object.ts';
import { parseRequest, type ObjectContext } from '../protocol/request.ts';
import type { S3State } from '../model/state.ts';
import { putVersion } from '../model/versions.ts';
import type { Generator } from '../storage/sparse/generator.ts';
import { sparseBlob } from '../storage/sparse/sparse-blob.ts';
import { generatorOf } from '../storage/sparse/sparse-replica.ts';

export interface SparseObject {
  bucket: string;
  key: string;
  sizeBytes: number;
  /** A whole number. Each seed gives a different content. */
  seed: number;
  /** Creates a multipart object with parts of this size. The last part may be smaller. By default, the object is not multipart. */
  partSizeBytes?: number;
  /** Creates a multipart object with parts of these sizes. Overrides `partSizeBytes`. */
  partSizesBytes?: readonly number[];
  /**
   * The checksum of the object. The default is a full-object CRC64NVME. Only CRCs are supported, because any other checksum would require
   * reading all bytes.
   */
  checksum?: { algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME'; type?: 'FULL_OBJECT' | 'COMPOSITE' };
  /** Headers as in a PutObject request, for example `x-amz-meta-…`, `content-type`, `x-amz-tagging`, `x-amz-storage-class`. */
  headers?: Readonly<Record<string, string>>;
}

export interface MadeObject {
  /** The ETag without its quotes. */
  etag: string;
  versionId: string;
  checksum: Checksum;
}

/** Creates an object as the bucket's owner. Has the same effects and errors as a PutObject. Throws {@link S3Error}. */
export const createSparseObject = (state: S3State, object: SparseObject): MadeObject => {
  const context = ownerContext(state, object);
  const generator = generatorOf(state.generators, object.seed);
  const sizes = partSizes(object);
  const { algorithm = 'CRC64NVME', type } = object.checksum ?? {};
  const plan = planUploadChecksum(algorithm, type ?? (sizes === null ? 'FULL_OBJECT' : undefined));
  const parts = sizes === null ? null : describeParts(generator, sizes, plan);
  const stored = putVersion(state, context.bucket, object.key, {
    kind: 'object',
    ...parseDescription(context),
    lastModifiedMs: state.clock.now(),
    content: contentOfBlob(sparseBlob(generator, 0, object.sizeBytes)),
    etag: parts === null ? generator.etag(0, object.sizeBytes) : etagOfParts(parts),
    checksum:
      parts === null || plan.type === 'FULL_OBJECT'
        ? fullChecksum(generator, algorithm, object.sizeBytes)
        : crcOfParts(
            { algorithm, type: plan.type },
            parts.map(({ checksum, sizeBytes }) => ({ value: checksum ?? '', sizeBytes })),
          ),
    parts: parts === null ? null : parts.map(({ etag: _etag, ...part }) => part),
  });
  const event = parts === null ? 'ObjectCreated:Put' : 'ObjectCreated:CompleteMultipartUpload';
  announceObject(context, stored, {
    event,
    reason: parts === null ? 'PutObject' : 'CompleteMultipartUpload',
  });
  return { etag: stored.etag, versionId: stored.versionId, checksum: stored.checksum };
};

interface SparsePart extends PartDescription {
  etag: string;
}

const partSizes = ({ sizeBytes, partSizeBytes, partSizesBytes }: SparseObject): number[] | null => {
  if (partSizesBytes === undefined && partSizeBytes === undefined) return null;
  const sizes =
    partSizesBytes ??
    Array.from({ length: Math.ceil(sizeBytes / (partSizeBytes ?? sizeBytes)) }, (_, index) =>
      Math.min(partSizeBytes ?? sizeBytes, sizeBytes - index * (partSizeBytes ?? sizeBytes)),
    );
  const sum = sizes.reduce((before, size) => before + size, 0);
  if (sum !== sizeBytes || sizes.length > 10_000 || sizes.length === 0)
    throw new TypeError(
      `${sizes.length} parts of ${sum} bytes in total do not make a multipart object of ${sizeBytes} bytes`,
    );
  return [...sizes];
};

const describeParts = (generator: Generator, sizes: number[], plan: ChecksumPlan): SparsePart[] => {
  let position = 0;
  return sizes.map((sizeBytes, index) => {
    const at = position;
    position += sizeBytes;
    return {
      partNumber: index + 1,
      sizeBytes,
      etag: generator.etag(at, sizeBytes),
      checksum: plan.type === 'COMPOSITE' ? fullChecksum(generator, crcOf(plan), sizeBytes, at).value : null,
    };
  });
};

const crcOf = ({ algorithm }: ChecksumPlan): 'CRC32' | 'CRC32C' | 'CRC64NVME' => {
  if (!isCrc(algorithm)) throw new S3Error('NotImplemented');
  return algorithm;
};

const fullChecksum = (
  generator: Generator,
  algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME',
  sizeBytes: number,
  position = 0,
): Checksum => ({
  algorithm,
  type: 'FULL_OBJECT',
  value: generator.crc(algorithm, position, sizeBytes).toString('base64'),
});

const etagOfParts = (parts: SparsePart[]): string => {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'));
  return `${md5.digest('hex')}-${parts.length}`;
};

/** Returns a context as if the bucket's owner had sent a PutObject request. */
const ownerContext = (state: S3State, object: SparseObject): ObjectContext => {
  const bucket = state.buckets.get(object.bucket);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', { elements: { BucketName: object.bucket } });
  const arn = `arn:${state.partition}:iam::${bucket.accountId}:root`;
  const headers = Object.fromEntries(
    Object.entries(object.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
  const request = parseRequest({
    service: 's3',
    region: bucket.region,
    method: 'PUT',
    path: `/${bucket.name}/${object.key.split('/').map(encodeURIComponent).join('/')}`,
    query: '',
    headers,
    body: Readable.from([]),
    caller: { kind: 'root', accountId: bucket.accountId, arn, principalId: bucket.accountId },
    secureTransport: true,
    requestId: randomUUID(),
    sourceIp: '127.0.0.1',
    operation: 's3:PutObject',
  });
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  return { state, request, response, bucket, key: object.key };
};
