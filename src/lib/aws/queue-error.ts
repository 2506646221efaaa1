import { type QueueProblem, QueueError } from '../dead-letters/queue.ts';

/** What was asked of SQS, for the message. */
interface QueueCall {
  /** The IAM action the call needs, e.g. `sqs:GetQueueUrl`. */
  action: string;
  queueName: string;
  region: string;
}

/**
 * Codes as the JSON protocol and the older query protocol spell them.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
 */
const PROBLEM_OF_CODE: Readonly<Record<string, QueueProblem>> = {
  AccessDenied: 'access-denied',
  AccessDeniedException: 'access-denied',
  KmsAccessDenied: 'access-denied',
  QueueDoesNotExist: 'no-queue',
  'AWS.SimpleQueueService.NonExistentQueue': 'no-queue',
  ResourceNotFoundException: 'no-queue',
  CredentialsProviderError: 'no-credentials',
  TokenProviderError: 'no-credentials',
  ExpiredToken: 'bad-credentials',
  ExpiredTokenException: 'bad-credentials',
  IncompleteSignature: 'bad-credentials',
  InvalidClientTokenId: 'bad-credentials',
  InvalidSecurity: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  UnrecognizedClientException: 'bad-credentials',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EAI_AGAIN: 'unreachable',
  ENOTFOUND: 'unreachable',
  ETIMEDOUT: 'unreachable',
  TimeoutError: 'unreachable',
};

/** Translates what the SDK threw, by code and then by status. */
export const toQueueError = (error: unknown, { action, queueName, region }: QueueCall): QueueError => {
  const problem = problemOf(error);
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

const problemOf = (error: unknown): QueueProblem => {
  for (const code of codesOf(error)) {
    if (Object.hasOwn(PROBLEM_OF_CODE, code)) return PROBLEM_OF_CODE[code] ?? 'aws-failed';
  }
  return statusOf(error) === 403 ? 'access-denied' : 'aws-failed';
};

/** SDK errors carry the AWS code in `name`, network errors theirs in `code`, on themselves or on an inner error. */
const codesOf = (error: unknown): string[] => {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  const own = [error.name, 'code' in error && typeof error.code === 'string' ? error.code : ''];
  return [...own, ...inner.flatMap((each: unknown) => codesOf(each))];
};

const statusOf = (error: unknown): number | null => {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return null;
  const metadata = error.$metadata;
  const known = typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata;
  return known && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
};
