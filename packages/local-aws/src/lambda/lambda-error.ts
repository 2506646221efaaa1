import { AwsError } from '../front/aws-error.ts';

/** The error codes of Lambda that the local Lambda uses, with their HTTP status. */
const STATUS = {
  AccessDeniedException: 403,
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  RecursiveInvocationException: 400,
  RequestTooLargeException: 413,
  ResourceConflictException: 409,
  ResourceInUseException: 400,
  ResourceNotFoundException: 404,
  TooManyRequestsException: 429,
} as const;

export type LambdaErrorCode = keyof typeof STATUS;

/**
 * Returns an error of the Lambda service itself. Errors that a function throws are not errors of the service.
 */
export const lambdaError = (code: LambdaErrorCode, message: string): AwsError =>
  new AwsError(code, message, { status: STATUS[code] });

/** True if the error means that the function or the account has reached its concurrency limit. */
export const isThrottled = (error: unknown): boolean =>
  error instanceof AwsError && error.code === 'TooManyRequestsException';

/** True if Lambda stopped the invocation because it detected a recursive loop. */
export const isRecursion = (error: unknown): boolean =>
  error instanceof AwsError && error.code === 'RecursiveInvocationException';
