/**
 * Translates what the SDK throws into the errors of the domain: by error code, then by status, never by message text. One error is
 * translated elsewhere: that of bucket notifications, in `s3/bucket-notifications.ts`, so that the small function that uses it does not
 * carry the tables below.
 * Codes: "Error responses" in the S3 API reference; "Common errors" of STS, SQS and DynamoDB.
 */
import { type QueueProblem, QueueError } from '../dead-letters/queue.ts';
import { ReplicationError } from '../model/errors.ts';
import type { Reason } from '../model/reasons.ts';
import { readError } from './read-error.ts';

/** What an error code means for a hint. */
const REASONS: Record<string, Reason> = {
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
  // S3 redirects while it moves the name of a new bucket to the bucket's region.
  TemporaryRedirect: 'service-error',
  Redirect: 'service-error',
  TimeoutError: 'connection-lost',
  IncompleteBody: 'connection-lost',
  XAmzContentSHA256Mismatch: 'connection-lost',
  BadDigest: 'bad-checksum',
  ExpiredToken: 'expired-credentials',
  ExpiredTokenException: 'expired-credentials',
  TokenRefreshRequired: 'expired-credentials',
  // The role was created again while its session was cached: assuming the role again fixes that.
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
  // The upload was aborted, or it was completed and the answer was lost. A fresh look shows which.
  NoSuchUpload: 'lost-race',
  // A write: If-Match on a key that is gone. A pinned read: the version is gone.
  NoSuchKey: 'lost-race',
  NoSuchVersion: 'lost-race',
  // The named version is a delete marker, which has replaced a null version.
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
  const { code, status, message, metadata } = readError(error);
  const what = [doing, code, message].filter(Boolean).join(': ');
  // The SDK signs the next attempt with a corrected clock.
  const reason = metadata.clockSkewCorrected ? 'service-error' : reasonOf(code, status);
  return new ReplicationError(reason, what, { cause: error, requestId: metadata.requestId ?? null });
};

/**
 * Translates an error of a table that is not about the object at hand. Such an error is always retried: trouble with the table must not
 * send every object to the dead-letter queue.
 */
export const translateTableError = (error: unknown, doing: string): ReplicationError => {
  const translated = translateError(error, doing);
  if (translated.disposition === 'retry') return translated;
  const { message, requestId } = translated;
  return new ReplicationError('service-error', message, { cause: error, requestId });
};

/** Resolves to null for a version or key that does not exist or is a delete marker. A missing bucket is still an error. */
export const unlessGone = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ReplicationError && isVersionGone(error.cause)) return null;
    throw error;
  }
};

/** Is this S3's answer for a key that does not exist? The answer to HEAD has no body, so only its status tells. */
export const isNotFound = (error: unknown): boolean => {
  const { code, status } = readError(error);
  return status === 404 && (code === 'NoSuchKey' || code === 'NotFound');
};

/**
 * Is this S3's answer for a named version that is not an object, or no longer one? S3 answers 405 for delete markers ("Working with
 * delete markers", S3 User Guide). The answer to HEAD has only the status.
 */
export const isVersionGone = (error: unknown): boolean => {
  const { code, status } = readError(error);
  if (status === 405) return code === 'MethodNotAllowed' || isNoCode(code);
  return isNotFound(error) || (status === 404 && code === 'NoSuchVersion');
};

/** The error code of S3 or of the SDK. Empty for an error that is not an answer to a request. */
export const errorCode = (error: unknown): string => {
  const { code, status } = readError(error);
  return status === null ? '' : code;
};

/** Is this a 400 without an error code? The answer to HEAD has no body, so it has only the status. */
export const isBodiless400 = (error: unknown): boolean => {
  const { code, status } = readError(error);
  return status === 400 && isNoCode(code);
};

/** Is this S3's answer for an object that needs its SSE-C key ("Using server-side encryption with customer-provided keys")? */
export const isSseC = (error: unknown): boolean => {
  const { code, status } = readError(error);
  return status === 400 && code === 'InvalidRequest';
};

/** Names that the SDK uses when S3 sent no code. */
const isNoCode = (code: string): boolean =>
  ['', 'NotFound', 'BadRequest', 'UnknownError', 'Unknown', 'Error'].includes(code) || /^\d{3}$/.test(code);

const reasonOf = (code: string, status: number | null): Reason => {
  const byCode = REASONS[code];
  if (byCode !== undefined) return byCode;
  if (code.startsWith('KMS.')) return reasonOfKms(code);
  if (code === 'AbortError') return 'out-of-time';
  if (CONNECTION_ERRORS.has(code)) return 'connection-lost';
  if (status === null) return 'connection-lost';
  return reasonOfStatus(status, code);
};

/** S3 passes on the exceptions of KMS. Only some of them need a person. */
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
  // A 200 with an error in its body arrives here as that error, or without any code.
  if (status < 400) return 'service-error';
  return 'invalid-request';
};

/** What went wrong between AWS and a person who is signed in. */
type OperatorProblem = QueueProblem | 'no-table' | 'no-bucket' | 'not-trusted';

/** What an error code means for an operator. SQS codes have the spelling of the JSON protocol and that of the older query protocol. */
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
  'no-such-bucket': 'no-bucket',
  'wrong-region': 'no-bucket',
  'connection-lost': 'unreachable',
};

/** The problem behind a ReplicationError, for a person who is signed in. Credentials come first: the reasons do not distinguish them. */
export const operatorProblem = (error: ReplicationError): OperatorProblem => {
  const byCode = problemOfCodes(error);
  if (byCode === 'no-credentials' || byCode === 'bad-credentials') return byCode;
  return OPERATOR_PROBLEM_OF_REASON[error.reason] ?? byCode ?? 'aws-failed';
};

/** A call to SQS, for the message of its error. */
interface QueueCall {
  /** The IAM action that the call needs, e.g. `sqs:GetQueueUrl`. */
  action: string;
  queueName: string;
  region: string;
}

/** Translates what the SDK threw when an operator's command called SQS. */
export const toQueueError = (error: unknown, { action, queueName, region }: QueueCall): QueueError => {
  const problem = queueProblem(error);
  const said = error instanceof Error ? error.message : String(error);
  const where = `queue ${queueName} in ${region}`;
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
    // ListMessageMoveTasks says of a missing queue that a resource was not found.
    case 'no-table':
      return 'no-queue';
    case 'no-bucket':
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

/** SDK errors carry the AWS code in `name`. Network errors carry theirs in `code`, on themselves or on an inner error. */
const codesOf = (error: unknown): string[] => {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  const own = [error.name, 'code' in error && typeof error.code === 'string' ? error.code : ''];
  return [...own, ...inner.flatMap((each: unknown) => codesOf(each))];
};
