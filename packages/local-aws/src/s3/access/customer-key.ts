/**
 * SSE-C: encryption with a key that the customer sends with every request and that S3 does not store.
 *
 * Sources: Amazon S3 User Guide "Using server-side encryption with customer-provided keys" (ServerSideEncryptionCustomerKeys.html)
 * and "Blocking or unblocking SSE-C" (blocking-unblocking-s3-c-encryption-gpb.html).
 */
import { hash } from 'node:crypto';
import { invalidArgument, S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Encryption } from '../model/object.ts';
import { header, type S3Request } from '../protocol/request.ts';

const REQUESTS = 'Requests specifying Server Side Encryption with Customer provided keys must';
const OWN = 'x-amz-server-side-encryption-customer-';
const SOURCE = 'x-amz-copy-source-server-side-encryption-customer-';

/**
 * Checks the customer's key in a request. Returns its MD5 in base64, or null if the request has no key. `of` selects the headers of the
 * object itself or of the source of a copy.
 */
export const customerKeyMd5 = (
  request: S3Request,
  of: 'object' | 'copy-source' = 'object',
): string | null => {
  const prefix = of === 'object' ? OWN : SOURCE;
  const [algorithm, key, md5] = ['algorithm', 'key', 'key-md5'].map((name) => header(request, prefix + name));
  if (algorithm === undefined && key === undefined && md5 === undefined) return null;
  if (!request.aws.secureTransport)
    throw new S3Error('InvalidRequest', { message: `${REQUESTS} be made over a secure connection.` });
  if (algorithm === undefined) throw invalidKey(`${REQUESTS} provide a valid encryption algorithm.`);
  if (key === undefined) throw invalidKey(`${REQUESTS} provide an appropriate secret key.`);
  if (algorithm !== 'AES256')
    throw new S3Error('InvalidEncryptionAlgorithmError', {
      message: 'The Encryption request you specified is not valid. Supported value: AES256.',
      elements: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: algorithm },
    });
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== 32) throw invalidKey('The secret key was invalid for the specified algorithm.');
  if (md5 === undefined) throw invalidKey(`${REQUESTS} provide the client calculated MD5 of the secret key.`);
  if (hash('md5', bytes, 'base64') !== md5)
    throw invalidKey('The calculated MD5 hash of the key did not match the hash that was provided.');
  return md5;
};

/**
 * Returns the encryption of a new object with the customer's key; null if the request has no customer key. Throws AccessDenied if the
 * bucket blocks SSE-C.
 */
export const customerEncryption = (request: S3Request, bucket: Bucket): Encryption | null => {
  const keyMd5 = customerKeyMd5(request);
  if (keyMd5 === null) return null;
  const other = header(request, 'x-amz-server-side-encryption');
  if (other !== undefined)
    throw new S3Error('InvalidArgument', {
      message:
        'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      elements: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: other },
    });
  if (bucket.blocksCustomerKeys) throw new S3Error('AccessDenied');
  return { algorithm: 'SSE-C', keyMd5 };
};

/** Returns whether a BlockedEncryptionTypes list blocks SSE-C. Throws MalformedXML unless the list is exactly SSE-C or exactly NONE. */
export const blocksCustomerKeys = (types: string[]): boolean => {
  if (types.length !== 1 || !['SSE-C', 'NONE'].includes(types[0] ?? '')) throw new S3Error('MalformedXML');
  return types[0] === 'SSE-C';
};

/** Throws an error unless the request has the object's customer key. If the object has none, throws an error if the request has one. */
export const checkCustomerKey = (
  request: S3Request,
  encryption: Encryption,
  of: 'object' | 'copy-source' = 'object',
): void => {
  const given = customerKeyMd5(request, of);
  if (encryption.algorithm !== 'SSE-C') {
    if (given === null) return;
    throw new S3Error('InvalidRequest', {
      message: 'The encryption parameters are not applicable to this object.',
    });
  }
  if (given === null)
    throw new S3Error('InvalidRequest', {
      message:
        'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    });
  if (given === encryption.keyMd5) return;
  throw new S3Error(
    'AccessDenied',
    of === 'object' ? { message: `${REQUESTS} provide the correct secret key.` } : {},
  );
};

/** Throws an error unless the part has the customer key of its upload. If the upload has none, throws an error if the part has one. */
export const checkPartKey = (request: S3Request, encryption: Encryption): void => {
  const given = customerKeyMd5(request);
  const wanted = encryption.algorithm === 'SSE-C' ? encryption.keyMd5 : null;
  if (given === wanted) return;
  throw new S3Error('InvalidRequest', {
    message:
      given === null
        ? 'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.'
        : wanted === null
          ? 'The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.'
          : 'The provided encryption parameters did not match the ones used originally.',
  });
};

const invalidKey = (message: string): S3Error => invalidArgument(message, 'x-amz-server-side-encryption');
