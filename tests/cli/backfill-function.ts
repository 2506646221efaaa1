/** A stand-in for the backfill function of a stack. It accepts the requests of an operator. */
import type { LocalAws } from '@s3-replicator/local-aws';

/** A zip whose index.js is `exports.handler=async()=>({runs:[]})`. */
const CODE =
  'UEsDBBQAAAAIAAAAAACaQg2aJgAAACQAAAAIAAAAaW5kZXguanNLrSjILyop1stIzEvJSS2yTSyuzEvW0LS106guKs0rtoqOrdUEAFBLAQIAAAAAAAAIAAAAAACaQg2aJgAAACQAAAAIAAAAAAAAAAAAAACkgQAAAABpbmRleC5qc1BLBQYAAAAAAQABADYAAABMAAAAAAA=';

/** Deploys a function that takes every request and does nothing. */
export const deployBackfillFunction = async (
  aws: LocalAws,
  { accountId, region, name }: { accountId: string; region: string; name: string },
): Promise<void> => {
  const { arn } = aws.iam.putRole({
    accountId,
    roleName: 'backfill',
    assumeRolePolicy: {
      Statement: {
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      },
    },
    policies: [],
  });
  await aws.lambda.createFunction({
    accountId,
    region,
    zipFile: Buffer.from(CODE, 'base64'),
    properties: {
      FunctionName: name,
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Role: arn,
      Timeout: 20,
    },
  });
};
