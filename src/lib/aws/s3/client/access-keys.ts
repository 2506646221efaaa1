/** The access keys of S3 services, which an execution environment remembers for a while. */
import { readAccessKey } from '../../secret.ts';
import type { AccessKey, OwnCredentials } from '../../signed-json.ts';

export interface AccessKeys {
  /** Returns the key in the secret, with the time until which the SDK uses it. Throws `secret-unreadable`. */
  get(secretArn: string): Promise<AccessKey & { expiration: Date }>;
  /** Reads the secret again after a refusal. Resolves to true if it holds another key than before. */
  isRotated(secretArn: string): Promise<boolean>;
}

/** How long a key is used until its secret is read again. After a rotation, the old key may be removed when this time has passed. */
const USED_MS = 60 * 60_000;

/** How long before the end of its use a key is asked for again (`shared-session.ts`). */
const SHARED_UNTIL_MS = 5 * 60_000;

/** How long a read of the secret is not repeated. If a service refuses all requests, each of them asks for a read. */
const REST_MS = 60_000;

interface Known {
  key: AccessKey;
  atMs: number;
}

/** Reads the secrets with `credentials`, the credentials of this process. */
export const createAccessKeys = (credentials: OwnCredentials): AccessKeys => {
  const known = new Map<string, Promise<Known>>();
  const read = async (secretArn: string): Promise<Known> => {
    return { key: await readAccessKey(secretArn, credentials), atMs: Date.now() };
  };
  const readAgain = async (secretArn: string): Promise<Known> => {
    const reading = read(secretArn);
    known.set(secretArn, reading);
    try {
      return await reading;
    } catch (error) {
      if (known.get(secretArn) === reading) known.delete(secretArn);
      throw error;
    }
  };
  const current = async (secretArn: string, maxAgeMs: number): Promise<Known> => {
    const last = await known.get(secretArn)?.catch(() => undefined);
    return last !== undefined && Date.now() - last.atMs < maxAgeMs ? last : await readAgain(secretArn);
  };
  return {
    async get(secretArn) {
      const { key, atMs } = await current(secretArn, USED_MS);
      return { ...key, expiration: new Date(atMs + USED_MS + SHARED_UNTIL_MS) };
    },
    async isRotated(secretArn) {
      const before = await known.get(secretArn)?.catch(() => undefined);
      const now = await current(secretArn, REST_MS);
      return before !== undefined && JSON.stringify(before.key) !== JSON.stringify(now.key);
    },
  };
};
