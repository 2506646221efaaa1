/**
 * The server that a measured function calls in place of AWS. It runs in a separate process and responds to S3, STS and DynamoDB calls as
 * cheaply as Node can, so that the measured cost is that of the copier. The bodies of GET are generated. The bodies of PUT are counted and
 * discarded.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { makeLocalCertificate } from '@s3-replicator/local-aws/front';
import { INSIDE_SOURCE_BUCKET, SOURCE_BUCKET } from './configuration.ts';
import type { CounterpartCommand, CounterpartGreeting, CounterpartReport } from './counterpart.ts';
import {
  checksumOf,
  type CounterpartObject,
  etagOf,
  parseCounterpartPath,
  partLength,
  partsCount,
} from './counterpart-object.ts';

const chunk = Buffer.alloc(256 * 1024, 'replicate ');
let receivedBytes = 0;
let delayMs = 0;

const main = async (): Promise<void> => {
  const { key, cert, ca } = makeLocalCertificate();
  const options = { noDelay: true, keepAliveTimeout: 60_000, requestTimeout: 0 };
  const http = await listen(createServer(options, serve));
  const https = await listen(createTlsServer({ ...options, key, cert }, serve));
  process.on('message', obey);
  process.on('disconnect', () => process.exit());
  say({ httpEndpoint: `http://127.0.0.1:${http}`, httpsEndpoint: `https://127.0.0.1:${https}`, caPem: ca });
};

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the counterpart does not listen');
  return address.port;
};

const say = (report: CounterpartGreeting | CounterpartReport): void => void process.send?.(report);

const obey = (command: CounterpartCommand): void => {
  delayMs = command.delayMs;
  say({ receivedBytes });
  receivedBytes = 0;
};

const serve: RequestListener = (request, response) => {
  let bodyBytes = 0;
  request.on('data', (data: Buffer) => (bodyBytes += data.length));
  request.on('error', () => response.destroy());
  request.on('end', () => {
    if (delayMs === 0) answer(request, bodyBytes, response);
    else setTimeout(answer, delayMs, request, bodyBytes, response);
  });
};

const answer = (request: IncomingMessage, bodyBytes: number, response: ServerResponse): void => {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
  if (service === 'sts') return send(response, 200, ASSUMED, { 'content-type': 'text/xml' });
  if (service === 'dynamodb')
    return send(response, 200, '{}', { 'content-type': 'application/x-amz-json-1.0' });
  const url = new URL(request.url ?? '/', 'http://counterpart');
  const object = parseCounterpartPath(url.pathname);
  if (object === null) return send(response, 400, `unexpected: ${request.method} ${request.url}`);
  const isSource = [SOURCE_BUCKET, INSIDE_SOURCE_BUCKET].some((name) => url.pathname.startsWith(`/${name}/`));
  switch (request.method) {
    case 'GET':
      return sendObject(object, request, url.searchParams, response);
    case 'HEAD':
      // Every key is new at the destination, so it has no replica yet.
      if (!isSource) return send(response, 404, '');
      response.writeHead(200, describe(object, url.searchParams)).end();
      return;
    case 'PUT':
      if (request.headers['x-amz-copy-source'] !== undefined) return sendCopied(object, request, response);
      receivedBytes += bodyBytes;
      return send(response, 200, '', wroteHeaders(object, url.searchParams));
    case 'POST':
      return send(response, 200, url.searchParams.has('uploads') ? CREATED : completed(object));
    default:
      return send(response, 204, '');
  }
};

const send = (
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
};

/** Returns the headers of HEAD and GET for the current version of an object in a versioned bucket. */
const describe = (object: CounterpartObject, query: URLSearchParams): Record<string, string | number> => {
  const partNumber = Number(query.get('partNumber') ?? 0);
  return {
    etag: etagOf(object),
    'content-length': partNumber > 0 ? partLength(object, partNumber) : object.sizeBytes,
    'content-type': 'application/octet-stream',
    'last-modified': 'Sun, 22 Nov 2026 12:00:00 GMT',
    'x-amz-version-id': 'counterpart-version',
    'x-amz-server-side-encryption': 'AES256',
    ...(partNumber > 0 && object.partBytes > 0
      ? { 'x-amz-mp-parts-count': partsCount(object) }
      : { 'x-amz-checksum-crc64nvme': checksumOf(object), 'x-amz-checksum-type': 'FULL_OBJECT' }),
  };
};

const sendObject = (
  object: CounterpartObject,
  request: IncomingMessage,
  query: URLSearchParams,
  response: ServerResponse,
): void => {
  const headers = describe(object, query);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (range !== null) headers['content-length'] = Number(range[2]) - Number(range[1]) + 1;
  const sizeBytes = Number(headers['content-length']);
  response.writeHead(range !== null || query.has('partNumber') ? 206 : 200, headers);
  sendBytes(response, sizeBytes);
};

const sendBytes = (response: ServerResponse, sizeBytes: number): void => {
  let leftBytes = sizeBytes;
  const pump = (): void => {
    while (leftBytes > chunk.length) {
      leftBytes -= chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', pump);
        return;
      }
    }
    response.end(chunk.subarray(0, leftBytes));
  };
  pump();
};

/** Responds to CopyObject without moving any byte. A copy with If-Match is refused, because no replica exists. */
const sendCopied = (object: CounterpartObject, request: IncomingMessage, response: ServerResponse): void => {
  if (request.headers['if-match'] !== undefined) return send(response, 412, REFUSED);
  const etag = etagOf(object).replaceAll('"', '&quot;');
  send(
    response,
    200,
    `<CopyObjectResult><LastModified>2026-11-22T12:00:00.000Z</LastModified><ETag>${etag}</ETag>` +
      `<ChecksumCRC64NVME>${checksumOf(object)}</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>`,
    { 'x-amz-version-id': 'counterpart-replica', 'x-amz-server-side-encryption': 'AES256' },
  );
};

const wroteHeaders = (object: CounterpartObject, query: URLSearchParams): Record<string, string> =>
  query.has('uploadId')
    ? { etag: `"${(query.get('partNumber') ?? '').padStart(32, '0')}"` }
    : {
        etag: etagOf(object),
        'x-amz-version-id': 'counterpart-replica',
        'x-amz-server-side-encryption': 'AES256',
        'x-amz-checksum-crc64nvme': checksumOf(object),
        'x-amz-checksum-type': 'FULL_OBJECT',
      };

const completed = (object: CounterpartObject): string =>
  `<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUploadResult><ETag>${etagOf(object).replaceAll('"', '&quot;')}</ETag>` +
  `<ChecksumCRC64NVME>${checksumOf(object)}</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>`;

const REFUSED = '<Error><Code>PreconditionFailed</Code><Message>PreconditionFailed</Message></Error>';

const CREATED =
  '<?xml version="1.0" encoding="UTF-8"?><InitiateMultipartUploadResult><UploadId>counterpart-upload</UploadId></InitiateMultipartUploadResult>';

const ASSUMED =
  '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>' +
  '<AccessKeyId>ASIACOUNTERPART</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>' +
  `<Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>` +
  '</Credentials></AssumeRoleResult></AssumeRoleResponse>';

await main();
