/**
 * AWS's answer to one call. A call that must not succeed is expected to fail with an error that shows that the call was allowed.
 */
export interface ProbeStep {
  /** The IAM action that the call needs, e.g. `s3:PutObjectTagging`. */
  permission: string;
  answer: 'allowed' | 'denied' | 'failed';
  /** AWS's code and message, if the call was denied or failed. */
  detail: string;
}
