import { AwsError } from './aws-error.ts';
import { parseCredential, type Signature, timestampMs } from './signature.ts';

/** True if the query contains a signature, or any parameter of one. */
export const isPresigned = (query: string): boolean =>
  /(^|&)X-Amz-(Algorithm|Credential|Signature)=/.test(query);

/**
 * Parses the signature in a query. Returns the error of S3 for an invalid signature.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export const parsePresigned = (query: string): Signature | AwsError => {
  const parameters = new URLSearchParams(query);
  const values = PARAMETERS.map((name) => parameters.get(`X-Amz-${name}`) ?? '');
  if (values.includes('')) return refused(MISSING);
  const [algorithm = '', credential = '', signature = '', timestamp = '', signedHeaders = '', expires = ''] =
    values;
  const scope = parseCredential(credential);
  const problem = problemOf({ algorithm, timestamp, expires }) ?? (scope ? null : CREDENTIAL);
  if (problem !== null || !scope) return refused(problem ?? CREDENTIAL);
  return {
    kind: 'presigned',
    ...scope,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    sessionToken: parameters.get('X-Amz-Security-Token') ?? undefined,
    expiresSeconds: Number(expires),
  };
};

const PARAMETERS = ['Algorithm', 'Credential', 'Signature', 'Date', 'SignedHeaders', 'Expires'] as const;
const MISSING =
  'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.';
const CREDENTIAL =
  'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".';
const A_WEEK_SECONDS = 604_800;

const problemOf = (given: { algorithm: string; timestamp: string; expires: string }): string | null => {
  if (given.algorithm !== 'AWS4-HMAC-SHA256')
    return 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"';
  if (Number.isNaN(timestampMs(given.timestamp)))
    return "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"";
  if (!/^-?\d+$/.test(given.expires)) return 'X-Amz-Expires should be a number';
  if (Number(given.expires) < 0) return 'X-Amz-Expires must be non-negative';
  if (Number(given.expires) > A_WEEK_SECONDS)
    return 'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds';
  return null;
};

const refused = (message: string): AwsError => new AwsError('AuthorizationQueryParametersError', message);
