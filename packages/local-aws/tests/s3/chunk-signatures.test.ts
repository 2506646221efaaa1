/**
 * Recalculates each signature in the two worked examples of the API Reference (sigv4-streaming.html,
 * sigv4-streaming-trailers.html).
 */
import { createHmac, hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, expect, test } from 'vitest';
import { chunkVerifier } from '../../src/s3/protocol/chunk-signatures.ts';
import { createIam } from '../../src/iam/iam.ts';
import { createState } from '../../src/s3/model/state.ts';
import { parseRequest, type ChunkVerifier } from '../../src/s3/protocol/request.ts';
import { REGION, SECRET, SOURCE, startHarness } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'chunk-signatures-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const state = createState({
  directory,
  clock: { now: () => 0 },
  authorizer: createIam({ clock: { now: () => 0 } }),
  queues: { sendAsService: () => 'sent', maySend: () => 'allowed' },
  events: { putEvent: () => '' },
  secretOf: () => 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
});

const verifierOf = (payload: string, seed: string): ChunkVerifier | null =>
  chunkVerifier(
    state,
    parseRequest({
      service: 's3',
      region: 'us-east-1',
      method: 'PUT',
      path: '/examplebucket/chunkObject.txt',
      query: '',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=${seed}`,
        'x-amz-date': '20130524T000000Z',
        'x-amz-content-sha256': payload,
      },
      body: Readable.from([]),
      caller: { kind: 'anonymous' },
      secureTransport: true,
      requestId: 'R',
      sourceIp: '127.0.0.1',
    }),
  );

const BODY = [Buffer.alloc(65_536, 'a'), Buffer.alloc(1024, 'a'), Buffer.alloc(0)];

const verify = (verifier: ChunkVerifier | null, signatures: string[]): void =>
  BODY.forEach((chunk, index) => {
    verifier?.update(chunk);
    verifier?.endChunk(signatures[index]);
  });

const PLAIN = [
  'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
  '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
  'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
];
const PLAIN_SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';

test('chunks signed as in the API Reference are accepted', () => {
  verify(verifierOf('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', PLAIN_SEED), PLAIN);
});

test('a trailer signed as in the API Reference is accepted, and another one is refused', () => {
  const verifier = () =>
    verifierOf(
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    );
  const chunks = [
    'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
    '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
    '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
  ];
  const trailer = 'd81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435';
  const good = verifier();
  verify(good, chunks);
  good?.endTrailer('x-amz-checksum-crc32c:sOO8/Q==\n', trailer);
  const bad = verifier();
  verify(bad, chunks);
  expect(() => bad?.endTrailer('x-amz-checksum-crc32c:AAAAAA==\n', trailer)).toThrow(/signature/);
});

test.each([
  ['in another order', [PLAIN[1], PLAIN[0], PLAIN[2]]],
  ['without a signature', [PLAIN[0], undefined, PLAIN[2]]],
])('chunks %s are refused', (_, signatures) => {
  const verifier = verifierOf('STREAMING-AWS4-HMAC-SHA256-PAYLOAD', PLAIN_SEED);
  expect(() => verify(verifier, signatures as string[])).toThrow(/signature/);
});

test('a signing algorithm that cannot be verified is refused', () => {
  expect(() => verifierOf('STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD', PLAIN_SEED)).toThrow(/cannot verify/);
  expect(verifierOf('STREAMING-UNSIGNED-PAYLOAD-TRAILER', PLAIN_SEED)).toBeNull();
});

test('an upload in signed chunks is stored if all of its signatures are right, and refused if one is wrong', async () => {
  const harness = await startHarness();
  harness.s3.createBucket({ name: 'signed', accountId: SOURCE, region: REGION });
  const chunks = [Buffer.alloc(65_536, 'b'), Buffer.from('rest'), Buffer.alloc(0)];
  const send = (key: string, secret: string) =>
    harness.raw('PUT', `/signed/${key}`, {
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKIA${SOURCE}/20261122/${REGION}/s3/aws4_request,SignedHeaders=host,Signature=${SEED}`,
        'x-amz-date': '20261122T100000Z',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
        'x-amz-decoded-content-length': String(65_540),
      },
      body: frame(chunks, secret),
    });
  expect((await send('right', SECRET)).status).toBe(200);
  const wrong = await send('wrong', `${SECRET}!`);
  expect(wrong.status).toBe(403);
  expect(wrong.body).toContain('<Code>SignatureDoesNotMatch</Code>');
  expect((await harness.raw('GET', '/signed/right')).body).toHaveLength(65_540);
  expect((await harness.raw('HEAD', '/signed/wrong')).status).toBe(404);
  await harness.close();
});

const SEED = 'e'.repeat(64);

/** Signs the chunks as a client does. The signature of the first chunk is based on the seed signature. */
const frame = (chunks: Buffer[], secret: string): Buffer => {
  const key = ['20261122', REGION, 's3', 'aws4_request'].reduce<Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
  let previous = SEED;
  return Buffer.concat(
    chunks.flatMap((chunk) => {
      const scope = `20261122T100000Z\n20261122/${REGION}/s3/aws4_request`;
      const digests = `${hash('sha256', '', 'hex')}\n${hash('sha256', chunk, 'hex')}`;
      const toSign = `AWS4-HMAC-SHA256-PAYLOAD\n${scope}\n${previous}\n${digests}`;
      previous = createHmac('sha256', key).update(toSign).digest('hex');
      const head = Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`);
      return [head, chunk, Buffer.from('\r\n')];
    }),
  );
};
