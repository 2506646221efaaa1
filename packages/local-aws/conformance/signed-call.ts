/** Requests to services for which this package has no client. */
import { hash } from 'node:crypto';
import { queryText, signedHeaders, type SigningCredentials } from './sign.ts';

/** The version of CloudFormation's API. */
export const CLOUDFORMATION_VERSION = '2010-05-15';

export interface Call {
  service: 'cloudformation' | 'lambda' | 'secretsmanager' | 'events';
  method?: 'GET' | 'POST' | 'PUT';
  path?: string;
  query?: Record<string, string>;
  /** The operation of a service that speaks JSON 1.1, e.g. `secretsmanager.GetSecretValue`. */
  target?: string;
  /** The form fields of a call to a service with the query protocol. All other calls send `json`. */
  form?: Record<string, string>;
  json?: unknown;
}

/** Sends a request and returns the body of its response. Throws an error with the body if the status is not 2xx. */
export type SendCall = (call: Call) => Promise<string>;

export interface CallTarget {
  /** The URL of the endpoint. Null for AWS itself. */
  url: string | null;
  region: string;
  now(): number;
  credentials(): Promise<SigningCredentials>;
}

export const createCaller =
  (target: CallTarget): SendCall =>
  async ({ service, method = 'GET', path = '/', query = {}, target: operation, form, json }) => {
    const origin =
      target.url?.replace(/\/$/, '') ?? `https://${service}.${target.region}.${domainOf(target.region)}`;
    const body =
      form === undefined
        ? json === undefined
          ? ''
          : JSON.stringify(json)
        : String(new URLSearchParams(form));
    const type = operation === undefined ? 'application/json' : 'application/x-amz-json-1.1';
    const headers = {
      'content-type': form === undefined ? type : 'application/x-www-form-urlencoded',
      ...(operation !== undefined && { 'x-amz-target': operation }),
    };
    const toSign = {
      method,
      host: new URL(origin).host,
      path,
      query,
      headers,
      payloadHash: hash('sha256', body, 'hex'),
    };
    const scope = {
      credentials: await target.credentials(),
      region: target.region,
      service,
      nowMs: target.now(),
    };
    const { host: _host, ...signed } = signedHeaders(toSign, scope);
    const text = queryText(query);
    const response = await fetch(`${origin}${path}${text === '' ? '' : `?${text}`}`, {
      method,
      headers: signed,
      ...(method !== 'GET' && { body }),
      signal: AbortSignal.timeout(60_000),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${answer}`);
    return answer;
  };

/** The domain of AWS's endpoints in the partition of a region. */
const domainOf = (region: string): string =>
  region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';

export const partitionOf = (region: string): string => {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
};
