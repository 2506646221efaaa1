/**
 * SHA-256 for the signatures of requests. The SDK makes a new key object for each of the two HMACs of a signature, which takes five times
 * as long as the HMAC itself. Here a key object is made once for each key.
 */
import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto';
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type HashConstructor = NonNullable<S3ClientConfig['sha256']>;
type Data = NonNullable<ConstructorParameters<HashConstructor>[0]>;

/** Creates the hash of one client. Each client has its own, so that its keys are freed together with the client. */
export const createSigningHash = (): HashConstructor => {
  const keyOf = createKeys();
  // The SDK makes hashes with `new`.
  return class {
    readonly #hash: Hash | Hmac;

    constructor(secret?: Data) {
      this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret));
    }

    update(data: Data): void {
      this.#hash.update(typeof data === 'string' ? data : bytesOf(data));
    }

    async digest(): Promise<Uint8Array> {
      return this.#hash.digest();
    }
  };
};

/** Returns a function that remembers the last secret access key, and each signing key as long as the SDK keeps it. */
const createKeys = (): ((secret: Data) => KeyObject) => {
  const signingKeys = new WeakMap<object, KeyObject>();
  let last: { secret: string; key: KeyObject } | null = null;
  return (secret) => {
    if (typeof secret === 'string') {
      if (last?.secret !== secret) last = { secret, key: createSecretKey(secret, 'utf8') };
      return last.key;
    }
    const known = signingKeys.get(secret) ?? createSecretKey(bytesOf(secret));
    signingKeys.set(secret, known);
    return known;
  };
};

const bytesOf = (data: Exclude<Data, string>): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
