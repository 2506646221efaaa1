/**
 * A server for tests of the subscribe function. It acts as S3 and as the response URL of CloudFormation. It
 * stores the notification configuration of each bucket as the XML that it received. A test can make it fail,
 * or interfere with a change.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedS3 extends AsyncDisposable {
  url: string;
  answerUrl: string;
  /** The XML of each bucket, by the bucket's name. A bucket without an entry does not exist. */
  buckets: Map<string, string>;
  /** The errors to return to the next requests with this method, in order. Null returns no error. */
  failures: { GET: (Failure | null)[]; PUT: (Failure | null)[] };
  /** Called after each PUT has taken effect and before its response is sent. */
  afterPut: () => void;
  requests: string[];
  answers: { contentType: string | undefined; bytes: number; body: Record<string, unknown> }[];
}

export interface Failure {
  status: number;
  code: string;
  headers?: Record<string, string>;
}

export const EMPTY = '<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>';

export async function startScriptedS3(): Promise<ScriptedS3> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void handle(s3, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const s3: ScriptedS3 = {
    url: `http://127.0.0.1:${port}`,
    answerUrl: `http://127.0.0.1:${port}/-answer`,
    buckets: new Map(),
    failures: { GET: [], PUT: [] },
    afterPut: () => {},
    requests: [],
    answers: [],
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return s3;
}

async function handle(s3: ScriptedS3, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const { pathname } = new URL(request.url ?? '/', 'http://s3');
  if (pathname === '/-answer') {
    s3.answers.push({
      contentType: request.headers['content-type'],
      bytes: Buffer.byteLength(body),
      body: JSON.parse(body),
    });
    response.end();
    return;
  }
  const method = request.method === 'PUT' ? 'PUT' : 'GET';
  const bucket = pathname.slice(1).replace(/\/$/, '');
  s3.requests.push(`${method} ${bucket}`);
  const failure = s3.failures[method].shift();
  if (failure) return fail(response, failure);
  const configuration = s3.buckets.get(bucket);
  if (configuration === undefined) return fail(response, { status: 404, code: 'NoSuchBucket' });
  if (method === 'GET') {
    response.setHeader('content-type', 'application/xml').end(configuration);
    return;
  }
  s3.buckets.set(bucket, body);
  s3.afterPut();
  response.end();
}

function fail(response: ServerResponse, { status, code, headers = {} }: Failure): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-type', 'application/xml');
  response.end(`<Error><Code>${code}</Code><Message>as the test says</Message></Error>`);
}
