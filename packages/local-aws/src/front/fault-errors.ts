import { AwsError } from './aws-error.ts';

/**
 * Returns the throttling error of a service.
 * Sources: Amazon S3 API Reference "Error responses" (503 Slow Down, also when KMS throttles S3), Amazon DynamoDB
 * Developer Guide "Error handling", Amazon SQS API Reference "SendMessage" (RequestThrottled), AWS STS "Common errors".
 */
export function throttlingError(service: string, by: 'service' | 'kms' = 'service'): AwsError {
  switch (service) {
    case 's3':
      return new AwsError(
        'SlowDown',
        by === 'kms'
          ? 'Please reduce your request rate for operations involving AWS KMS.'
          : 'Please reduce your request rate.',
        { status: 503 },
      );
    case 'dynamodb':
      return new AwsError(
        'ProvisionedThroughputExceededException',
        'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.',
      );
    case 'sqs':
      return new AwsError('RequestThrottled', 'Rate exceeded', {
        status: 403,
        queryCode: 'RequestThrottled',
      });
    case 'lambda':
      return new AwsError('TooManyRequestsException', 'Rate exceeded', { status: 429 });
    case 'sts':
    case 'sns':
    case 'iam':
    case 'cloudformation':
    case 'monitoring':
      return new AwsError('Throttling', 'Rate exceeded');
    default:
      return new AwsError('ThrottlingException', 'Rate exceeded');
  }
}
