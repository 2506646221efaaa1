/** Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
import { expect, test } from 'vitest';
import { AwsError } from '../../src/front/aws-error.ts';
import { parseSignature } from '../../src/front/parse-signature.ts';

const PRESIGNED = {
  'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
  'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request',
  'X-Amz-Date': '20260101T000000Z',
  'X-Amz-Expires': '60',
  'X-Amz-SignedHeaders': 'host',
  'X-Amz-Signature': 'f'.repeat(64),
};

const parse = (parameters: Record<string, string>) =>
  parseSignature({
    query: String(new URLSearchParams(parameters)),
    headers: {},
  });

test('a complete presigned URL is parsed', () => {
  expect(parse(PRESIGNED)).toMatchObject({ kind: 'presigned', date: '20260101', expiresSeconds: 60 });
  expect(parse({ 'X-Amz-Date': 'today', other: 'x' })).toBeUndefined();
});

test.each([
  ['X-Amz-Signature', '', /requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature/],
  ['X-Amz-Algorithm', '', /requires the X-Amz-Algorithm/],
  ['X-Amz-Algorithm', 'AWS2', /X-Amz-Algorithm only supports/],
  ['X-Amz-Credential', 'AKIA', /the Credential is mal-formed/],
  ['X-Amz-Date', 'today', /X-Amz-Date must be in the ISO8601 Long Format/],
  ['X-Amz-Expires', 'soon', /X-Amz-Expires should be a number/],
  ['X-Amz-Expires', '-1', /X-Amz-Expires must be non-negative/],
  ['X-Amz-Expires', '604801', /X-Amz-Expires must be less than a week/],
])('a presigned URL with %s "%s" is refused with what is wrong with it', (name, value, message) => {
  const refusal = parse({ ...PRESIGNED, [name]: value });
  expect(refusal).toBeInstanceOf(AwsError);
  expect(refusal).toMatchObject({
    code: 'AuthorizationQueryParametersError',
    status: 400,
    message: expect.stringMatching(message),
  });
});
