/**
 * An HTTP server whose responses a test sets. The real SDK sends its requests to it. It is for responses that
 * no correct S3 would send.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBuckets } from '../../src/lib/aws/s3/buckets.ts';
import { createS3Clients, type S3Clients } from '../../src/lib/aws/s3/client/clients.ts';
import type { Buckets } from '../../src/lib/model/ports.ts';
import { setAwsVariables } from './aws-variables.ts';

export interface SeenRequest {
  method: string;
  /** Path and query of the request. */
  url: string;
  headers: IncomingMessage['headers'];
}

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface ScriptedAws extends AsyncDisposable {
  endpoint: string;
  clients: S3Clients;
  buckets: Buckets;
  seen: SeenRequest[];
  /** Responds to all later S3 requests. STS always grants credentials. */
  answer: Answer;
  /**
   * If this field is set, it responds to S3 requests in place of `answer`. It does not wait for the body of
   * the request.
   */
  early: ((request: IncomingMessage, response: ServerResponse) => void) | null;
  openSockets(): Promise<number>;
}

const GRANTED = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
  <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
  <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

export const startScriptedAws = async (): Promise<ScriptedAws> => {
  const seen: SeenRequest[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    if (request.headers.authorization?.includes('/sts/')) {
      request.resume();
      response.setHeader('content-type', 'text/xml').end(GRANTED);
      return;
    }
    if (scripted.early !== null) {
      scripted.early(request, response);
      return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('error', () => undefined);
    request.on('end', () => scripted.answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  setAwsVariables({
    endpoint,
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
  });
  const clients = createS3Clients({
    region: 'eu-central-1',
    sessionName: 'test',
    ownAccount: async () => '111111111111',
  });
  const scripted: ScriptedAws = {
    endpoint,
    clients,
    buckets: createBuckets(clients, new AbortController().signal),
    seen,
    answer: (_request, response) => response.writeHead(500).end(),
    early: null,
    openSockets: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return scripted;
};

/** Sends an S3 error document. */
export const s3Error = (response: ServerResponse, status: number, code: string): void => {
  response
    .writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'REQUEST1' })
    .end(
      `<?xml version="1.0"?><Error><Code>${code}</Code><Message>text that nobody may rely on</Message></Error>`,
    );
};
