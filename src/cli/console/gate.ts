/**
 * Decides which requests may pass. The console listens on the loopback address only, but any page that is open in a browser, and any program on
 * the machine, can send requests there.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What the gate looks at: the method and the headers. `Sec-Fetch-Site` cannot be set by scripts of a page. */
export type Knock = Pick<IncomingMessage, 'headers' | 'method'>;

export interface Refusal {
  status: number;
  message: string;
}

export interface Gate {
  /** Is in the link that the terminal shows. */
  linkToken: string;
  /** Is in the page, and must come back with every request that is not a GET. */
  actionToken: string;
  /** Returns the cookie to set. Returns null if the token is wrong, or if another browser has used it. */
  signIn(token: string, knock: Knock): string | null;
  /** Returns why a request must not pass; null: it may. */
  refusal(knock: Knock, path: string): Refusal | null;
}

export const SIGN_IN_PATH = '/sign-in';

export const createGate = (port: number): Gate => {
  const [linkToken, actionToken, session] = [secret(), secret(), secret()];
  // Cookies do not know ports, so two consoles on one machine need two names.
  const name = `s3-replicator-${port}`;
  let isUsed = false;
  const isSignedIn = ({ headers }: Knock): boolean =>
    (headers.cookie ?? '').split(/; */).some((each) => {
      const [given = '', value = ''] = each.split('=');
      return given === name && isSame(value, session);
    });
  return {
    linkToken,
    actionToken,
    signIn(token, knock) {
      if (!isSame(token, linkToken) || (isUsed && !isSignedIn(knock))) return null;
      isUsed = true;
      return `${name}=${session}; Path=/; HttpOnly; SameSite=Strict`;
    },
    refusal(knock, path) {
      const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
      const { host, origin, 'sec-fetch-site': site } = knock.headers;
      const { method } = knock;
      // Otherwise a name of somebody else that resolves to 127.0.0.1 would make the console part of that somebody's site.
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

/** Takes the same time wherever the texts differ. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
