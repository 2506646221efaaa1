/**
 * Translates what the SDK throws into reasons: by error code, then by status, never by message text.
 * Codes: "Error responses" in the S3 API reference; "Common errors" of STS, SQS and DynamoDB.
 */
import { ReplicationError } from '../model/errors.ts';
import type { Reason } from '../model/reasons.ts';

const CODES: Record<string, Reason> = {
  SlowDown: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  RequestThrottled: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequestsException: 'throttled',
  ProvisionedThroughputExceededException: 'throttled',
  InternalError: 'service-error',
  ServiceUnavailable: 'service-error',
  RequestTimeout: 'connection-lost',
  RequestTimeTooSkewed: 'service-error',
  RequestExpired: 'service-error',
  // While S3 moves a new bucket's name to its region.
  TemporaryRedirect: 'service-error',
  Redirect: 'service-error',
  TimeoutError: 'connection-lost',
  IncompleteBody: 'connection-lost',
  XAmzContentSHA256Mismatch: 'connection-lost',
  BadDigest: 'bad-checksum',
  ExpiredToken: 'expired-credentials',
  ExpiredTokenException: 'expired-credentials',
  TokenRefreshRequired: 'expired-credentials',
  // The role was made anew while its session was cached: assuming it again mends that.
  InvalidAccessKeyId: 'expired-credentials',
  InvalidToken: 'expired-credentials',
  AccessDenied: 'access-denied',
  AccessDeniedException: 'access-denied',
  NoSuchBucket: 'no-such-bucket',
  PermanentRedirect: 'wrong-region',
  AuthorizationHeaderMalformed: 'wrong-region',
  IllegalLocationConstraintException: 'wrong-region',
  InvalidObjectState: 'archived',
  ObjectLockConfigurationNotFoundError: 'object-lock',
  AccessControlListNotSupported: 'acl-unsupported',
  NotImplemented: 'invalid-request',
  KeyTooLongError: 'key-too-long',
  PreconditionFailed: 'lost-race',
  ConditionalRequestConflict: 'lost-race',
  OperationAborted: 'lost-race',
  // Of an upload: it was aborted, or its completion did happen and the answer was lost. Looking again tells.
  NoSuchUpload: 'lost-race',
  // Of a write: If-Match on a key that is gone. Of a pinned read: the version is gone.
  NoSuchKey: 'lost-race',
  NoSuchVersion: 'lost-race',
  // The version named is a delete marker: a null version was replaced by one.
  MethodNotAllowed: 'lost-race',
};

const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** `doing` names the call and the bucket or role, for the operator: `PutObject in bucket replica-1`. */
export const translateError = (error: unknown, doing: string): ReplicationError => {
  if (error instanceof ReplicationError) return error;
  const { code, status, message, requestId, isClockSkew } = describe(error);
  const what = [doing, code, message].filter(Boolean).join(': ');
  const reason = isClockSkew ? 'service-error' : reasonOf(code, status);
  return new ReplicationError(reason, what, { cause: error, requestId });
};

/** Is this S3's answer for a key that does not exist? HEAD has no body, so it only has the status. */
export const isNotFound = (error: unknown): boolean => {
  const { code, status } = describe(error);
  return status === 404 && (code === 'NoSuchKey' || code === 'NotFound');
};

/**
 * Is this S3's answer for a named version that is no object, or not any more? 405 is for delete markers ("Working with
 * delete markers", S3 User Guide); the answer to HEAD has the status only.
 */
export const isVersionGone = (error: unknown): boolean => {
  const { code, status } = describe(error);
  if (status === 405) return code === 'MethodNotAllowed' || isNoCode(code);
  return isNotFound(error) || (status === 404 && code === 'NoSuchVersion');
};

/** The error code of S3 and the SDK alike; empty where the error is none of theirs. */
export const errorCode = (error: unknown): string => {
  const { code, status } = describe(error);
  return status === null ? '' : code;
};

/** An answer to HEAD, which has no body: the status is all there is. */
export const isBodiless400 = (error: unknown): boolean => {
  const { code, status } = describe(error);
  return status === 400 && isNoCode(code);
};

/** What S3 answers for an object that wants its SSE-C key ("Using server-side encryption with customer-provided keys"). */
export const isSseC = (error: unknown): boolean => {
  const { code, status } = describe(error);
  return status === 400 && code === 'InvalidRequest';
};

/** Names the SDK gives where S3 sent no code. */
const isNoCode = (code: string): boolean =>
  ['', 'NotFound', 'BadRequest', 'UnknownError', 'Unknown', 'Error'].includes(code) || /^\d{3}$/.test(code);

const reasonOf = (code: string, status: number | null): Reason => {
  const byCode = CODES[code];
  if (byCode !== undefined) return byCode;
  if (code.startsWith('KMS.')) return reasonOfKms(code);
  if (code === 'AbortError') return 'out-of-time';
  if (CONNECTION_ERRORS.has(code)) return 'connection-lost';
  if (status === null) return 'connection-lost';
  return reasonOfStatus(status, code);
};

/** S3 passes KMS's own exceptions on; only some of them need a person. */
const reasonOfKms = (code: string): Reason => {
  if (/Throttling|LimitExceeded/.test(code)) return 'throttled';
  return /Internal(?!.*State)|Timeout|KeyUnavailable/.test(code) ? 'service-error' : 'kms';
};

const reasonOfStatus = (status: number, code: string): Reason => {
  if (status === 503 || status === 429) return 'throttled';
  if (status >= 500) return 'service-error';
  if (status === 403 || status === 401) return 'access-denied';
  if (status === 301) return 'wrong-region';
  if (status === 307) return 'service-error';
  if (status === 412 || (status === 405 && isNoCode(code))) return 'lost-race';
  if ((status === 404 || status === 409) && isNoCode(code)) return 'lost-race';
  // 200 with an error in its body arrives here as the error it holds, or without any code.
  if (status < 400) return 'service-error';
  return 'invalid-request';
};

interface Described {
  code: string;
  status: number | null;
  message: string;
  requestId: string | null;
  /** The SDK saw by the answer's date that our clock is wrong, and signs by a corrected one from now on. */
  isClockSkew: boolean;
}

/** What AWS SDK exceptions, Node's socket errors and anything else have in common. */
const describe = (error: unknown): Described => {
  if (!(error instanceof Error)) {
    return { code: '', status: null, message: String(error), requestId: null, isClockSkew: false };
  }
  const fields = error as Error & {
    code?: unknown;
    $metadata?: { httpStatusCode?: number; requestId?: string; clockSkewCorrected?: boolean };
  };
  const isSdkError = fields.$metadata?.httpStatusCode !== undefined;
  const nodeCode = typeof fields.code === 'string' ? fields.code : null;
  return {
    code: isSdkError ? error.name : (nodeCode ?? error.name),
    status: fields.$metadata?.httpStatusCode ?? null,
    message: error.message,
    requestId: fields.$metadata?.requestId ?? null,
    isClockSkew: fields.$metadata?.clockSkewCorrected === true,
  };
};
