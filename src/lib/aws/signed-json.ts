/**
 * One signed request to a service that speaks AWS JSON 1.1. It replaces a client of the SDK, which would be larger than the rest of the
 * function's code for that service. A dynamic import of the client would be larger too, because the bundler keeps everything that it
 * names.
 */
import { Hash } from '@smithy/core/serde';
import { HttpRequest } from '@smithy/core/transport';
import { SignatureV4 } from '@smithy/signature-v4';
import { ReplicationError } from '../model/errors.ts';
import { isRecord, type JsonRecord } from '../model/json.ts';

/** The credentials of a role or a service. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Returns the credentials of this process. */
export type OwnCredentials = () => Promise<AccessKey>;

export interface JsonCall {
  service: 'secretsmanager' | 'events' | 'kms';
  region: string;
  /** The header `x-amz-target`. */
  target: string;
  input: object;
  credentials: OwnCredentials;
  /** The name of the request in error messages. */
  what: string;
}

/** The answer of the service. If the service reports an error, `code` is the name of the error, or the status if the error has no name. */
export type JsonAnswer = { answer: JsonRecord } | { status: number; code: string; message: string };

/** How long one request may take, milliseconds. */
const TIMEOUT_MS = 4_000;

/** Sends one signed request. Throws `connection-lost` if there is no answer. */
export const callJson = async (call: JsonCall): Promise<JsonAnswer> => {
  const { service, region, target, input, credentials, what } = call;
  const url = new URL(endpointOf(service, region));
  const body = JSON.stringify(input);
  const signer = new SignatureV4({ service, region, credentials, sha256: Hash.bind(null, 'sha256') });
  const { headers } = await signer.sign(
    new HttpRequest({
      method: 'POST',
      hostname: url.hostname,
      path: '/',
      headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
      body,
    }),
  );
  const response = await send(url, { method: 'POST', headers, body }, what);
  const json: unknown = await response.json().catch(() => null);
  const answer = isRecord(json) ? json : {};
  return response.ok ? { answer } : { status: response.status, ...problemIn(response.status, answer, what) };
};

const send = async (url: URL, request: RequestInit, what: string): Promise<Response> => {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new ReplicationError('connection-lost', `${what}: no answer from ${url.host}`, { cause: error });
  }
};

const problemIn = (status: number, answer: JsonRecord, what: string) => {
  const code =
    String(answer['__type'] ?? status)
      .split('#')
      .at(-1) ?? '';
  return { code, message: `${what}: ${code}: ${String(answer['message'] ?? answer['Message'] ?? '')}` };
};

const ENDPOINT_VARIABLES = {
  secretsmanager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  events: 'AWS_ENDPOINT_URL_EVENTBRIDGE',
  kms: 'AWS_ENDPOINT_URL_KMS',
} as const;

const endpointOf = (service: JsonCall['service'], region: string): string =>
  process.env[ENDPOINT_VARIABLES[service]] ??
  process.env['AWS_ENDPOINT_URL'] ??
  `https://${service}.${region}.${DOMAINS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com'}`;

/**
 * The domains of regions that are not under `amazonaws.com`, each with the beginning of the regions' names.
 * https://docs.aws.amazon.com/general/latest/gr/asm.html, https://docs.aws.amazon.com/general/latest/gr/ev.html
 */
const DOMAINS: [string, string][] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov'],
];
