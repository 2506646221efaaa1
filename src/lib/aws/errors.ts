/**
 * Translates errors of the SDK into the errors of the domain: by error code, then by status, never by message text. Errors of
 * bucket notifications are translated in `s3/bucket-notifications.ts` instead, so that the small function that sets up
 * notifications does not have the tables below in its bundle.
 * Codes: "Error responses" in the S3 API reference; "Common errors" of STS, SQS and DynamoDB.
 */
import { type QueueProblem, QueueError } from '../dead-letters/queue.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Reason } from '../model/reasons.ts';
import { readError } from './read-error.ts';

/**
 * The reason that each error code leads to. This is a map, because a server may send any text as a code, and an object would also have an
 * entry for `constructor`.
 */
const REASONS: ReadonlyMap<string, Reason> = new Map(
  Object.entries<Reason>({
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
    // While the DNS name of a new bucket does not yet lead to the bucket's region, S3 redirects requests.
    TemporaryRedirect: 'service-error',
    Redirect: 'service-error',
    TimeoutError: 'no-answer',
    IncompleteBody: 'connection-lost',
    XAmzContentSHA256Mismatch: 'connection-lost',
    BadDigest: 'bad-checksum',
    ExpiredToken: 'expired-credentials',
    ExpiredTokenException: 'expired-credentials',
    TokenRefreshRequired: 'expired-credentials',
    // The role was deleted and created again while its session was cached. The next attempt succeeds, because it assumes the role again.
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
    // Either the upload was aborted, or it was completed but the response was lost. A fresh look shows which happened.
    NoSuchUpload: 'lost-race',
    // S3 returns this code for a write with If-Match whose key is gone, and for a read of a version that is gone.
    NoSuchKey: 'lost-race',
    NoSuchVersion: 'lost-race',
    // The named version is the null version, and a delete marker has replaced it.
    MethodNotAllowed: 'lost-race',
  }),
);

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

/**
 * Translates an error of the SDK into an error of the domain. `doing` names the call and the bucket or role for the error
 * message, for example `PutObject in bucket replica-1`.
 */
export const translateError = (error: unknown, doing: string): ReplicationError => {
  if (error instanceof ReplicationError) return error;
  const { code, status, message, metadata } = readError(error);
  // An answer to HEAD has no body, so that S3 says only its status.
  const said = message === 'UnknownError' && status !== null ? [`status ${status}`] : [code, message];
  const what = [doing, ...said].filter(Boolean).join(': ');
  // The signature was refused because our clock is wrong. The SDK signs the next attempt with a corrected clock, so the error is retried.
  const reason = metadata.clockSkewCorrected ? 'service-error' : reasonOf(code, status);
  return new ReplicationError(reason, what, { cause: error, requestId: metadata.requestId ?? null });
};

/**
 * Translates an error of a DynamoDB table. The hint is always retried after such an error, because the error does not concern the object.
 * Otherwise a problem with the table would send every hint to the dead-letter queue.
 */
export const translateTableError = (error: unknown, doing: string): ReplicationError => {
  const translated = translateError(error, doing);
  if (translated.disposition === 'retry') return translated;
  const { message, requestId } = translated;
  return new ReplicationError('service-error', message, { cause: error, requestId });
};

/**
 * Waits for an answer of S3. Resolves to null when the version or key does not exist or is a delete marker. Throws when the
 * bucket does not exist.
 */
export const unlessGone = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ReplicationError && isVersionGone(error.cause)) return null;
    throw error;
  }
};

/**
 * Returns true if S3 reports that a key does not exist. The response to HEAD has no body and therefore no error code. In that case the SDK
 * sets the code `NotFound`.
 */
export const isNotFound = (error: unknown): boolean => {
  const { code, status } = readError(error);
  return status === 404 && (code === 'NoSuchKey' || code === 'NotFound');
};

/**
 * Returns true if S3 reports that a named version does not exist or is a delete marker. S3 returns 405 for delete markers ("Working with
 * delete markers", S3 User Guide). The response to HEAD has no error code, only the status.
 */
export const isVersionGone = (error: unknown): boolean => {
  const { code, status } = readError(error);
  if (status === 405) return code === 'MethodNotAllowed' || isNoCode(code);
  return isNotFound(error) || (status === 404 && code === 'NoSuchVersion');
};

/** Returns the error code of S3 or of the SDK. Returns an empty text if there was no response. */
export const errorCode = (error: unknown): string => {
  const { code, status } = readError(error);
  return status === null ? '' : code;
};

/** Returns true for a 400 without an error code. S3 returns that for HEAD, because the response to HEAD has no body. */
export const isBodiless400 = (error: unknown): boolean => {
  const { code, status } = readError(error);
  return status === 400 && isNoCode(code);
};

/** Returns true if S3 refuses the range of a read, as it does for every range of an empty object. */
export const isRangeRefused = (error: unknown): boolean => readError(error).status === 416;

/**
 * Returns true if S3 refused the signature of a request. The credentials come from AWS, so they are right, and the cause is our
 * clock. S3 uses this code both for a wrong signature and for one that is not valid yet. The SDK corrects only larger differences
 * of the clock.
 */
export const isSignatureRefused = (error: unknown): boolean =>
  readError(error).code === 'SignatureDoesNotMatch';

/** Returns true if S3 reports that reading the object needs its SSE-C key ("Using server-side encryption with customer-provided keys"). */
export const isSseC = (error: unknown): boolean => {
  const { code, status } = readError(error);
  return status === 400 && code === 'InvalidRequest';
};

/** Returns true if `code` is a placeholder that the SDK uses when S3 sent no error code. */
const isNoCode = (code: string): boolean =>
  ['', 'NotFound', 'BadRequest', 'UnknownError', 'Unknown', 'Error'].includes(code) || /^\d{3}$/.test(code);

const reasonOf = (code: string, status: number | null): Reason => {
  const byCode = REASONS.get(code);
  if (byCode !== undefined) return byCode;
  if (code.startsWith('KMS.')) return reasonOfKms(code);
  if (code === 'AbortError') return 'out-of-time';
  if (CONNECTION_ERRORS.has(code)) return 'connection-lost';
  if (status === null) return 'connection-lost';
  return reasonOfStatus(status, code);
};

/**
 * Returns the reason for an error of KMS that S3 passes on. Throttling and service errors of KMS are retried. All other errors of
 * KMS need an operator.
 */
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
  // A response with status 200 may contain an error in its body. The code of the error, if it has one, was already looked up
  // without success.
  if (status < 400) return 'service-error';
  return 'invalid-request';
};

/** A problem that an operator's call to AWS can have. */
type OperatorProblem = QueueProblem | 'no-table' | 'no-bucket' | 'wrong-owner' | 'not-trusted';

/**
 * Maps each error code to the problem that an operator must solve. SQS codes appear in two spellings, one of the JSON protocol and one of
 * the older query protocol.
 */
const OPERATOR_PROBLEMS: Readonly<Record<string, OperatorProblem>> = {
  CredentialsProviderError: 'no-credentials',
  TokenProviderError: 'no-credentials',
  ExpiredToken: 'bad-credentials',
  ExpiredTokenException: 'bad-credentials',
  IncompleteSignature: 'bad-credentials',
  InvalidAccessKeyId: 'bad-credentials',
  InvalidClientTokenId: 'bad-credentials',
  InvalidSecurity: 'bad-credentials',
  InvalidSignatureException: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  UnrecognizedClientException: 'bad-credentials',
  AccessDenied: 'access-denied',
  AccessDeniedException: 'access-denied',
  KmsAccessDenied: 'access-denied',
  QueueDoesNotExist: 'no-queue',
  'AWS.SimpleQueueService.NonExistentQueue': 'no-queue',
  ResourceNotFoundException: 'no-table',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EAI_AGAIN: 'unreachable',
  ENOTFOUND: 'unreachable',
  ETIMEDOUT: 'unreachable',
  TimeoutError: 'unreachable',
};

const OPERATOR_PROBLEM_OF_REASON: Partial<Record<Reason, OperatorProblem>> = {
  'access-denied': 'access-denied',
  'assume-role-denied': 'not-trusted',
  'secret-unreadable': 'access-denied',
  'no-such-bucket': 'no-bucket',
  'wrong-bucket-owner': 'wrong-owner',
  'wrong-region': 'no-bucket',
  'connection-lost': 'unreachable',
  'no-answer': 'unreachable',
};

/**
 * Returns the problem that an operator must solve. Problems with credentials are looked up first, by code, because the reason of an error
 * does not show whether credentials are missing or invalid.
 */
export const operatorProblem = (error: ReplicationError): OperatorProblem => {
  const byCode = problemOfCodes(error);
  if (byCode !== null && isAboutCredentials(error)) return byCode;
  return OPERATOR_PROBLEM_OF_REASON[error.reason] ?? byCode ?? 'aws-failed';
};

/** Returns whether AWS refused the credentials, or the SDK found none. */
export const isAboutCredentials = (error: unknown): boolean => {
  const problem = problemOfCodes(error);
  return problem === 'no-credentials' || problem === 'bad-credentials';
};

/** Describes a call to a queue, or to the function that sends to the queues, in an error message. */
interface QueueCall {
  /** The IAM action that the call needs, e.g. `sqs:GetQueueUrl`. */
  action: string;
  /** The name of the resource in the error message, e.g. `queue acme-prod-live`. */
  resource: string;
  region: string;
}

/** Translates an error of the SDK after an operator's command called SQS or the replicate function. */
export const toQueueError = (error: unknown, { action, resource, region }: QueueCall): QueueError => {
  const problem = queueProblem(error);
  const said = error instanceof Error ? error.message : String(error);
  const where = `${resource} in ${region}`;
  const messages: Record<QueueProblem, string> = {
    'no-credentials': said,
    'bad-credentials': said,
    'access-denied': `${action} on ${where} is not allowed (${said})`,
    'no-queue': `there is no ${where} for this account (or ${action} may not see it)`,
    unreachable: `${action} on ${where}: ${said}`,
    'aws-failed': `${action} on ${where}: ${said}`,
  };
  return new QueueError(problem, messages[problem], { cause: error });
};

const queueProblem = (error: unknown): QueueProblem => {
  const problem = problemOfCodes(error);
  switch (problem) {
    // Lambda returns the code of a missing resource, which the table above maps to `no-table`.
    case 'no-table':
      return 'no-queue';
    case 'no-bucket':
    case 'wrong-owner':
    case 'not-trusted':
    case null:
      return readError(error).status === 403 ? 'access-denied' : 'aws-failed';
    default:
      return problem;
  }
};

const problemOfCodes = (error: unknown): OperatorProblem | null => {
  const known = codesOf(error).find((code) => Object.hasOwn(OPERATOR_PROBLEMS, code));
  return known === undefined ? null : (OPERATOR_PROBLEMS[known] ?? null);
};

/**
 * Collects the codes of an error and of its inner errors. SDK errors carry the AWS code in `name`. Network errors carry their code in
 * `code`.
 */
const codesOf = (error: unknown): string[] => {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  const own = [error.name, 'code' in error && typeof error.code === 'string' ? error.code : ''];
  return [...own, ...inner.flatMap((each: unknown) => codesOf(each))];
};
