/** One question to AWS about a setting, and the ways in which AWS may answer it. */
import { isAboutCredentials } from '../errors.ts';
import { readError } from '../read-error.ts';

/** The region and the credentials with which AWS is asked. */
export interface AskedPlace {
  region: string;
  /** The profile of the shared configuration files. Default: the credentials of the environment. */
  profile?: string;
}

/** The answer to a question. A missing permission is an answer too, because a caller may have only some permissions. */
export type Asked<Value> =
  | { kind: 'answer'; value: Value }
  /** The thing that the question is about does not exist. */
  | { kind: 'missing' }
  /** The permission that the caller does not have, e.g. `s3:GetBucketPolicy`. */
  | { kind: 'denied'; permission: string; message: string }
  | {
      kind: 'failed';
      message: string;
      /** Whether the credentials are the problem, and not the question. */
      areCredentials: boolean;
    };

/** Asks AWS. Never throws an error of AWS. `permission` is the IAM action that the question needs. */
export const ask = async <Value>(permission: string, send: () => Promise<Value>): Promise<Asked<Value>> => {
  try {
    return { kind: 'answer', value: await send() };
  } catch (error) {
    const { code, status, message } = readError(error);
    if (isDenied(code, status)) return { kind: 'denied', permission, message };
    if (status === 404 || MISSING.has(code)) return { kind: 'missing' };
    return { kind: 'failed', message: `${code}: ${message}`, areCredentials: isAboutCredentials(error) };
  }
};

const isDenied = (code: string, status: number | null): boolean =>
  (status === 403 && !CREDENTIALS.has(code)) || DENIED.has(code);

const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'UnauthorizedOperation',
]);

/** Codes with the status 403 that concern the credentials themselves. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'InvalidAccessKeyId',
  'ExpiredToken',
  'ExpiredTokenException',
  'MissingAuthenticationToken',
]);

/** Error codes with status 400 that mean that something does not exist. */
const MISSING: ReadonlySet<string> = new Set([
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'ResourceNotFoundException',
  'NoSuchEntityException',
  'NotFoundException',
]);

/** Returns the value of an answer; null for everything else. */
export const valueOf = <Value>(asked: Asked<Value>): Value | null =>
  asked.kind === 'answer' ? asked.value : null;

/** Returns a function that asks each question only once, even if several checks need the answer. */
export const askOnce = <Key extends readonly string[], Value>(
  question: (...key: Key) => Promise<Asked<Value>>,
): ((...key: Key) => Promise<Asked<Value>>) => {
  const asked = new Map<string, Promise<Asked<Value>>>();
  return (...key) => {
    const name = JSON.stringify(key);
    const known = asked.get(name);
    if (known !== undefined) return known;
    const answer = question(...key);
    asked.set(name, answer);
    return answer;
  };
};
