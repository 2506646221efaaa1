/**
 * Decides which requests may pass. The console listens on the loopback address only, but any page that is open in a browser, and any program on
 * the machine, can send requests there.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The parts of a request that the gate checks: the method and the headers. Scripts of a page cannot set `Sec-Fetch-Site`. */
export type Knock = Pick<IncomingMessage, 'headers' | 'method'>;

export interface Refusal {
  status: number;
  message: string;
}

export interface Gate {
  /** The token in the link that the terminal shows. */
  linkToken: string;
  /** The token in the page. Every request that is not a GET must send it back. */
  actionToken: string;
  /** Returns the cookie to set. Returns null if the token is wrong, or if another browser has used it. */
  signIn(token: string, knock: Knock): string | null;
  /** Returns why a request must not pass, or null if it may pass. */
  refusal(knock: Knock, path: string): Refusal | null;
}

export const SIGN_IN_PATH = '/sign-in';

export const createGate = (port: number): Gate => {
  const [linkToken, actionToken, session] = [secret(), secret(), secret()];
  // Browsers send a cookie to all ports of a host, so the cookies of two consoles on one machine need different names.
  const cookie = `s3-replicator-${port}=${session}`;
  let isUsed = false;
  const isSignedIn = ({ headers }: Knock): boolean =>
    (headers.cookie ?? '').split(/; */).some((each) => isSame(each, cookie));
  return {
    linkToken,
    actionToken,
    signIn(token, knock) {
      if (!isSame(token, linkToken) || (isUsed && !isSignedIn(knock))) return null;
      isUsed = true;
      return `${cookie}; Path=/; HttpOnly; SameSite=Strict`;
    },
    refusal(knock, path) {
      const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
      const { host, origin, 'sec-fetch-site': site } = knock.headers;
      const { method } = knock;
      // Without this check, another site whose name resolves to 127.0.0.1 could use the console as a part of that site.
      if (host === undefined || !hosts.includes(host)) return refused(421, 'This is not the console.');
      if (method !== 'GET' && method !== 'POST') return refused(405, 'Only GET and POST are known.');
      if (origin !== undefined && origin !== `http://${host}`) return refused(403, OTHER_SITE);
      if (path === SIGN_IN_PATH && method === 'GET') return null;
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return refused(403, OTHER_SITE);
      if (!isSignedIn(knock)) return refused(401, 'Open the link that the terminal shows.');
      return method === 'POST' ? wrongPost(knock, actionToken) : null;
    },
  };
};

const OTHER_SITE = 'Requests of other sites are refused.';

const wrongPost = ({ headers }: Knock, token: string): Refusal | null => {
  const { origin, 'x-console-token': given, 'content-type': contentType } = headers;
  if (origin === undefined) return refused(403, OTHER_SITE);
  if (typeof given !== 'string' || !isSame(given, token))
    return refused(403, 'The page is of an earlier console. Reload it.');
  return contentType?.split(';')[0] === 'application/json' ? null : refused(415, 'The body must be JSON.');
};

const refused = (status: number, message: string): Refusal => ({ status, message });

const secret = (): string => randomBytes(32).toString('base64url');

/** Compares two texts in constant time, so the time does not reveal where they differ. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
