/**
 * Reads access keys from Secrets Manager. Only rules with a `secretArn` load this file. One signed request takes the place of a client of
 * the SDK, which would be larger than the rest of what a function does with secrets.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { SignatureV4 } from '@smithy/signature-v4';
import { ReplicationError } from '../model/errors.ts';
import { isRecord } from '../model/json.ts';
import { withPauses } from './with-pauses.ts';

/** The credentials of a service, as its secret holds them. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Returns the credentials of this process. */
export type OwnCredentials = () => Promise<AccessKey>;

/** How long one request may take, milliseconds. */
const TIMEOUT_MS = 4_000;

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
  const [, partition = '', , region = ''] = arn.split(':');
  const url = new URL(endpointOf(partition, region));
  const body = JSON.stringify({ SecretId: arn });
  const signer = new SignatureV4({
    service: 'secretsmanager',
    region,
    credentials,
    sha256: Hash.bind(null, 'sha256'),
  });
  const { headers } = await signer.sign(
    new HttpRequest({
      method: 'POST',
      hostname: url.hostname,
      path: '/',
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.GetSecretValue',
      },
      body,
    }),
  );
  const response = await send(url, { method: 'POST', headers, body }, arn);
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw refusal(response.status, answer, arn);
};

const send = async (url: URL, request: RequestInit, arn: string): Promise<Response> => {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new ReplicationError('connection-lost', `GetSecretValue of ${arn}: no answer from ${url.host}`, {
      cause: error,
    });
  }
};

const refusal = (status: number, answer: unknown, arn: string): ReplicationError => {
  const fields = isRecord(answer) ? answer : {};
  const code = String(fields['__type'] ?? status)
    .split('#')
    .at(-1);
  const message = `GetSecretValue of ${arn}: ${code}: ${String(fields['message'] ?? fields['Message'] ?? '')}`;
  if (status === 429 || code === 'ThrottlingException') return new ReplicationError('throttled', message);
  return new ReplicationError(status >= 500 ? 'service-error' : 'secret-unreadable', message);
};

const endpointOf = (partition: string, region: string): string =>
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] ??
  process.env['AWS_ENDPOINT_URL'] ??
  `https://secretsmanager.${region}.${DOMAINS[partition] ?? 'amazonaws.com'}`;

/** https://docs.aws.amazon.com/general/latest/gr/asm.html. Partitions that are not listed have the usual domain. */
const DOMAINS: Record<string, string> = {
  'aws-cn': 'amazonaws.com.cn',
  'aws-eusc': 'amazonaws.eu',
  'aws-iso': 'c2s.ic.gov',
  'aws-iso-b': 'sc2s.sgov.gov',
  'aws-iso-e': 'cloud.adc-e.uk',
  'aws-iso-f': 'csp.hci.ic.gov',
};
