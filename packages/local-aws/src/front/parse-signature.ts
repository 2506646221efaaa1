import type { AwsError } from './aws-error.ts';
import { isPresigned, parsePresigned } from './presigned.ts';
import { parseAuthorization, type Signature, type SignedRequest } from './signature.ts';

/** Parses the signature of a request. Returns `undefined` for a request without one, and the error of AWS for an invalid one. */
export const parseSignature = ({
  headers,
  query,
}: Pick<SignedRequest, 'headers' | 'query'>): Signature | AwsError | undefined => {
  if (headers.authorization !== undefined) return parseAuthorization(headers.authorization, headers);
  return isPresigned(query) ? parsePresigned(query) : undefined;
};
