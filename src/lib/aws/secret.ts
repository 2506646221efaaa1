/**
 * Reads access keys from Secrets Manager.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
import { ReplicationError } from '../model/errors.ts';
import { isRecord } from '../model/json.ts';
import { type AccessKey, callJson, type OwnCredentials } from './signed-json.ts';
import { withPauses } from './with-pauses.ts';

/**
 * Reads a secret whose text is `{"accessKeyId": "…", "secretAccessKey": "…"}`, with the credentials of this process. Throws
 * `secret-unreadable` if it cannot be read or holds no access key.
 */
export const readAccessKey = async (arn: string, credentials: OwnCredentials): Promise<AccessKey> => {
  const answer = await withPauses(
    () => getSecretValue(arn, credentials),
    async (error) => error instanceof ReplicationError && error.disposition === 'retry',
  );
  const key = parseKey(isRecord(answer) ? answer['SecretString'] : undefined);
  if (key !== null) return key;
  throw new ReplicationError(
    'secret-unreadable',
    `secret ${arn} holds no text {"accessKeyId": "…", "secretAccessKey": "…"}`,
  );
};

const parseKey = (text: unknown): AccessKey | null => {
  try {
    const value: unknown = JSON.parse(String(text));
    if (!isRecord(value)) return null;
    const { accessKeyId, secretAccessKey, sessionToken } = value;
    if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return null;
    return {
      accessKeyId,
      secretAccessKey,
      ...(typeof sessionToken === 'string' ? { sessionToken } : {}),
    };
  } catch {
    return null;
  }
};

const getSecretValue = async (arn: string, credentials: OwnCredentials): Promise<unknown> => {
  const [, , , region = ''] = arn.split(':');
  const target = 'secretsmanager.GetSecretValue';
  const what = `GetSecretValue of ${arn}`;
  const input = { SecretId: arn };
  const called = await callJson({ service: 'secretsmanager', region, target, input, credentials, what });
  if ('answer' in called) return called.answer;
  const { status, code, message } = called;
  if (status === 429 || code === 'ThrottlingException') throw new ReplicationError('throttled', message);
  throw new ReplicationError(status >= 500 ? 'service-error' : 'secret-unreadable', message);
};
