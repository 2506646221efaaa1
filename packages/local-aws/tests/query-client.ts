import { createHash, createHmac } from 'node:crypto';
import type { Credentials } from '../src/core/access.ts';

export interface QueryAnswer {
  status: number;
  xml: string;
  /** Returns the text of the first element with this name. */
  value(name: string): string | undefined;
  /** Returns the texts of all elements with this name. */
  values(name: string): string[];
  /** Returns `Code: Message` if the response is an error, otherwise undefined. */
  error(): string | undefined;
}

/**
 * Calls an action of a service with the query protocol, for example SNS. Used for services whose SDK client
 * is not a dependency of this project.
 */
export type QueryClient = (action: string, fields?: Record<string, string>) => Promise<QueryAnswer>;

export const queryClient =
  (target: { endpoint: string; region: string; service: string; credentials: Credentials }): QueryClient =>
  async (action, fields = {}) => {
    const body = new URLSearchParams({ Action: action, Version: '2010-05-15', ...fields }).toString();
    const headers = signedHeaders(target, body);
    const response = await fetch(`${target.endpoint}/`, { method: 'POST', headers, body });
    const xml = await response.text();
    const values = (name: string): string[] =>
      [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) =>
        unescapeXml(text),
      );
    return {
      status: response.status,
      xml,
      values,
      value: (name) => values(name)[0],
      error: () => (response.ok ? undefined : `${values('Code')[0]}: ${values('Message')[0]}`),
    };
  };

/** Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
const signedHeaders = (
  { endpoint, region, service, credentials }: Parameters<typeof queryClient>[0],
  body: string,
): Record<string, string> => {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${timestamp.slice(0, 8)}/${region}/${service}/aws4_request`;
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded',
    host: new URL(endpoint).host,
    'x-amz-date': timestamp,
    ...(credentials.sessionToken && { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    'POST\n/\n',
    ...names.map((name) => `${name}:${headers[name]}`),
    `\n${names.join(';')}`,
    sha256(body),
  ].join('\n');
  const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  const key = scope
    .split('/')
    .reduce<Buffer>((secret, part) => hmac(secret, part), Buffer.from(`AWS4${credentials.secretAccessKey}`));
  const signature = hmac(key, toSign).toString('hex');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const unescapeXml = (text: string): string =>
  text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
