import { AwsError } from '../front/aws-error.ts';

/** The errors of SQS. Each has a name in the JSON protocol and a code in the query protocol, which SQS's API model defines. */

export function queueDoesNotExist(): AwsError {
  return new AwsError('QueueDoesNotExist', 'The specified queue does not exist.', {
    queryCode: 'AWS.SimpleQueueService.NonExistentQueue',
  });
}

export function invalidParameterValue(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { queryCode: 'InvalidParameterValue' });
}

export function invalidParameter(name: string, value: string, reason: string): AwsError {
  return invalidParameterValue(`Value ${value} for parameter ${name} is invalid. Reason: ${reason}`);
}

export function missingParameter(name: string): AwsError {
  return new AwsError(
    'MissingRequiredParameterException',
    `The request must contain the parameter ${name}.`,
    {
      queryCode: 'MissingParameter',
    },
  );
}

export function invalidMessageContents(): AwsError {
  return new AwsError(
    'InvalidMessageContents',
    'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
  );
}

export function receiptHandleIsInvalid(): AwsError {
  return new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.', { status: 404 });
}

export function messageNotInflight(): AwsError {
  return simpleQueueError('MessageNotInflight', "The message referred to isn't in flight.");
}

export function overLimit(message: string): AwsError {
  return new AwsError('OverLimit', message, { status: 403 });
}

export function resourceNotFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message, { status: 404 });
}

/** Creates an error whose code in the query protocol is its name with the prefix `AWS.SimpleQueueService.`. */
export function simpleQueueError(name: string, message: string, status = 400): AwsError {
  return new AwsError(name, message, { status, queryCode: `AWS.SimpleQueueService.${name}` });
}
