/** The policies of KMS keys and of secrets. */
import { STSClient } from '@aws-sdk/client-sts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { callJson, type JsonCall } from '../signed-json.ts';
import { ask, type Asked, type AskedPlace, askOnce } from './asked.ts';

export interface KeyPolicies {
  /** The policy of a key of the caller's account, as text. */
  keyPolicy(keyArn: string): Promise<Asked<string>>;
  /** The resource policy of a secret, as text; empty if it has none. */
  secretPolicy(secretArn: string): Promise<Asked<string>>;
}

export const createKeyPolicies = (place: AskedPlace): KeyPolicies => {
  const { credentials } = new STSClient({ ...place, ...CONTROL_CLIENT }).config;
  const answerTo = async (arn: string, call: Pick<JsonCall, 'input' | 'service' | 'target'>) => {
    const region = arn.split(':')[3] ?? place.region;
    const called = await callJson({ ...call, region, credentials, what: `${call.target} of ${arn}` });
    if ('answer' in called) return called.answer;
    const { code: name, status: httpStatusCode, message } = called;
    throw Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
  };
  return {
    keyPolicy: askOnce((arn: string) =>
      ask('kms:GetKeyPolicy', async () => {
        const input = { KeyId: arn, PolicyName: 'default' };
        const { Policy } = await answerTo(arn, {
          service: 'kms',
          target: 'TrentService.GetKeyPolicy',
          input,
        });
        return String(Policy);
      }),
    ),
    secretPolicy: askOnce((arn: string) =>
      ask('secretsmanager:GetResourcePolicy', async () => {
        const target = 'secretsmanager.GetResourcePolicy';
        const { ResourcePolicy = '' } = await answerTo(arn, {
          service: 'secretsmanager',
          target,
          input: { SecretId: arn },
        });
        return String(ResourcePolicy);
      }),
    ),
  };
};
