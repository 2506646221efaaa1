/**
 * AWS's answer to one call of a probe. A probe may make a call that must not succeed. The error of such a call shows whether the call was
 * allowed.
 */
export interface ProbeStep {
  /** The IAM action that the call needs, e.g. `s3:PutObjectTagging`. */
  permission: string;
  answer: 'allowed' | 'denied' | 'failed';
  /** AWS's code and message, if the call was denied or failed. */
  detail: string;
}
