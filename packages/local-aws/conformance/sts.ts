/**
 * STS: the caller's identity, and roles that cannot be assumed. The suite contains no roles that can be
 * assumed, because they would require IAM. See `packages/local-aws/docs/behaviour.md`.
 */
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, refused, same } from './difference.ts';

const api = (page: string): string => `https://docs.aws.amazon.com/STS/latest/APIReference/${page}.html`;
const NEEDS = ['sts'] as const;

export const theCallerIsKnown = behaviour(
  'GetCallerIdentity returns the account, ARN and user id of the caller.',
  api('API_GetCallerIdentity'),
  async ({ sts }) => {
    const { Account, Arn, UserId } = await sts.send(new GetCallerIdentityCommand({}));
    matches('Account', Account, /^\d{12}$/);
    same('account of the ARN', Arn?.split(':')[4], Account);
    matches('UserId', UserId, /./);
  },
  NEEDS,
);

const assume = async ({ sts, accountId }: Context, more: object) =>
  sts.send(
    new AssumeRoleCommand({
      RoleArn: `arn:aws:iam::${await accountId()}:role/s3r-conformance-no-such-role`,
      RoleSessionName: 'conformance',
      ...more,
    }),
  );

export const aRoleThatIsNotThereIsAccessDenied = behaviour(
  'AssumeRole fails with 403 AccessDenied for a role that does not exist, as for a role that does not trust the caller.',
  api('API_AssumeRole'),
  async (context) => {
    await refused('AssumeRole', assume(context, {}), '403 AccessDenied');
  },
  NEEDS,
);

export const sessionsHaveRules = behaviour(
  'AssumeRole fails with 400 ValidationError for a session shorter than 15 minutes, an invalid session name or an invalid external id.',
  api('API_AssumeRole'),
  async (context) => {
    await refused('899 s', assume(context, { DurationSeconds: 899 }), '400 ValidationError');
    await refused('name', assume(context, { RoleSessionName: 'a b' }), '400 ValidationError');
    await refused('external id', assume(context, { ExternalId: 'x' }), '400 ValidationError');
  },
  NEEDS,
);

export const unknownKeysAreInvalidTokens = behaviour(
  'STS rejects an unknown access key id with 403 InvalidClientTokenId, and a wrong secret with 403 SignatureDoesNotMatch.',
  api('CommonErrors'),
  async ({ sts }) => {
    const own = await sts.config.credentials();
    const call = async (credentials: typeof own) => {
      const client = new STSClient({
        region: await sts.config.region(),
        ...(sts.config.endpoint && { endpoint: sts.config.endpoint }),
        credentials,
        maxAttempts: 1,
      });
      return await client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
    };
    const unknown = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wrong' };
    await refused('unknown', call(unknown), '403 InvalidClientTokenId');
    await refused('wrong secret', call({ ...own, secretAccessKey: 'wrong' }), '403 SignatureDoesNotMatch');
  },
  NEEDS,
);
