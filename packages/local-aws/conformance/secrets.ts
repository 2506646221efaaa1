/** Behaviours of Secrets Manager: reading the text of a secret. */
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, same } from './difference.ts';

const API = 'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html';
const NEEDS = ['secretsmanager'] as const;

const send = async ({ call }: Context, operation: string, json: object): Promise<Record<string, unknown>> =>
  JSON.parse(
    await call({ service: 'secretsmanager', method: 'POST', target: `secretsmanager.${operation}`, json }),
  );

export const secretsAreReadByArnOrName = behaviour(
  'GetSecretValue returns the text of a secret by its ARN or its name, and after PutSecretValue the new text. The ARN ends with a hyphen and six random characters.',
  API,
  async (context) => {
    const Name = context.unusedBucketName();
    const { ARN } = await send(context, 'CreateSecret', {
      Name,
      SecretString: 'first',
      ClientRequestToken: crypto.randomUUID(),
    });
    try {
      matches('ARN', String(ARN), new RegExp(`:secret:${Name}-\\w{6}$`));
      const read = async (SecretId: unknown) =>
        (await send(context, 'GetSecretValue', { SecretId }))['SecretString'];
      same('by ARN', await read(ARN), 'first');
      same('by name', await read(Name), 'first');
      await send(context, 'PutSecretValue', {
        SecretId: ARN,
        SecretString: 'second',
        ClientRequestToken: crypto.randomUUID(),
      });
      same('after PutSecretValue', await read(ARN), 'second');
    } finally {
      await send(context, 'DeleteSecret', { SecretId: ARN, ForceDeleteWithoutRecovery: true });
    }
  },
  NEEDS,
);

export const aMissingSecretIsNotFound = behaviour(
  'GetSecretValue fails with 400 ResourceNotFoundException for a secret that does not exist.',
  API,
  async (context) => {
    const missing = send(context, 'GetSecretValue', { SecretId: context.unusedBucketName() });
    const answer = await missing.then(
      () => 'found',
      (error: unknown) => String(error),
    );
    matches('answer', answer, /400 .*ResourceNotFoundException/s);
  },
  NEEDS,
);

export const theResourcePolicyOfASecretIsKept = behaviour(
  'GetResourcePolicy returns no policy for a new secret, and afterwards the one that PutResourcePolicy attached.',
  'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html',
  async (context) => {
    const Name = context.unusedBucketName();
    const { ARN } = await send(context, 'CreateSecret', { Name, SecretString: 'first' });
    try {
      const policyOf = async () =>
        (await send(context, 'GetResourcePolicy', { SecretId: ARN }))['ResourcePolicy'];
      same('before', await policyOf(), undefined);
      const policy = {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:GetRandomPassword', Resource: '*' },
        ],
      };
      await send(context, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy: JSON.stringify(policy) });
      same('after', JSON.parse(String(await policyOf())), policy);
    } finally {
      await send(context, 'DeleteSecret', { SecretId: ARN, ForceDeleteWithoutRecovery: true });
    }
  },
  NEEDS,
);
