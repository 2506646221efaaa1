/**
 * The options of a bucket that is reached with an access key. The bucket belongs to another S3 service, or to another AWS
 * partition.
 */
import * as z from 'zod';
import { SECRET_ARN } from './aws-syntax.ts';
import { oneOf, pattern } from './fields.ts';

export const SERVICE_OPTIONS = {
  secretArn: pattern(
    'give the ARN of a secret in Secrets Manager, whose text is {"accessKeyId": "…", "secretAccessKey": "…"}; it takes the place of a role',
    SECRET_ARN,
  ).optional(),
  endpoint: z
    .url({
      protocol: /^https?$/,
      error: 'give the URL of the S3 service, like https://minio.example.com:9000',
    })
    .describe(
      'The URL of an S3 service, like https://minio.example.com:9000. Without it, the bucket is in S3 of the AWS region.',
    )
    .optional(),
  addressing: oneOf(
    'write `path` (https://endpoint/bucket/key, which every service knows) or `virtual` (https://bucket.endpoint/key), or remove the line: `path` with an endpoint, else `virtual`',
    ['path', 'virtual'],
  ).optional(),
  insecureHttp: z
    .boolean({
      error:
        'write true (the endpoint may be http://, so that anybody on the way can read and change objects) or false',
    })
    .describe('Whether the endpoint may be http://, so that anybody on the way can read and change objects.')
    .default(false),
};
