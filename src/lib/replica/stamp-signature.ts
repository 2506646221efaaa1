/**
 * The signature of a stamp. Anyone who may upload can write any metadata, so a stamp alone is only a claim. A signature proves
 * that the deployment with this key wrote exactly these bytes as the replica of this source version at this place. On other
 * bytes, or at another place, the signature is worth nothing.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import type { ObjectState } from '../model/ports.ts';
import { etagIsDigest } from './proof.ts';

/** The key pair of a deployment: the `d` and the `x` of an Ed25519 JWK, in base64url (RFC 8037). */
export interface KeyPair {
  privateKey: string;
  publicKey: string;
}

/** Signs the stamps of this deployment. */
export interface Signer {
  publicKey: string;
  /** Returns the id of the key and the signature of a text. */
  sign(text: string): string;
}

/** Returns the signer, or null if the key cannot be read now. The key is read once per execution environment, on first use. */
export type GetSigner = () => Promise<Signer | null>;

export const createKeyPair = (): KeyPair => {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { privateKey: d, publicKey: x };
};

export const createSigner = ({ privateKey, publicKey }: KeyPair): Signer => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: privateKey, x: publicKey };
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  return {
    publicKey,
    sign: (text) => keyIdOf(publicKey) + sign(null, Buffer.from(text), key).toString('base64url'),
  };
};

/**
 * The content of a signature: the state of the source that an object holds (`claim`), the place of the object, and its content.
 */
export interface Signed {
  claim: string;
  bucket: string;
  key: string;
  sizeBytes: number;
  digest: string;
}

/** Returns the text that is signed. JSON keeps the parts apart, whatever characters a key contains. */
export const signedText = ({ claim, bucket, key, sizeBytes, digest }: Signed): string =>
  JSON.stringify(['s3r', claim, bucket, key, sizeBytes, digest]);

/** Returns true if one of the keys made this signature of the text. A signature begins with the id of its key. */
export const isSignature = (signature: string, text: string, publicKeys: readonly string[]): boolean =>
  publicKeys
    .filter((publicKey) => signature.startsWith(keyIdOf(publicKey)))
    .some((publicKey) => {
      try {
        const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
        return verify(null, Buffer.from(text), key, Buffer.from(signature.slice(8), 'base64url'));
      } catch {
        // 43 characters that do not encode a point of the curve are not a key.
        return false;
      }
    });

/** Distinguishes the signing keys of a deployment. During a rotation, replicas have signatures of several keys. */
export const keyIdOf = (publicKey: string): string =>
  createHash('sha256').update(publicKey).digest('hex').slice(0, 8);

/** The checksums for which nobody can make a second object with the same value. All others only detect faults. */
const CRYPTOGRAPHIC: ReadonlySet<string> = new Set(['SHA256', 'SHA512', 'SHA1', 'MD5']);

/**
 * Returns the digests of an object that HEAD shows, the strongest first. A source object and its replica have the same digests,
 * except that KMS hides the ETag.
 */
export const digestsOf = ({ checksum, etag, encryption }: Digested): string[] => {
  const isStrong = checksum !== null && CRYPTOGRAPHIC.has(checksum.algorithm);
  const byChecksum = checksum === null ? [] : [`${checksum.algorithm}/${checksum.type}/${checksum.value}`];
  const byEtag = etagIsDigest({ etag, encryption }) ? [`ETag/${etag.replaceAll('"', '')}`] : [];
  return isStrong ? [...byChecksum, ...byEtag] : [...byEtag, ...byChecksum];
};

type Digested = Pick<ObjectState, 'checksum' | 'etag' | 'encryption'>;
