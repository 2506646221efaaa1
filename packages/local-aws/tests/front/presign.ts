import { createHash, createHmac } from 'node:crypto';
import { accountId, type CoreServices, region } from '../core-services.ts';

/**
 * Returns a URL that is presigned with SigV4. This implementation follows AWS's documentation and shares no
 * code with the local AWS.
 */
export function presign(
  { iam, front }: CoreServices,
  path: string,
  expiresSeconds: number,
  { atMs = Date.now(), meta = '' } = {},
): string {
  const { accessKeyId, secretAccessKey } = iam.rootCredentials(accountId);
  const { host, origin } = new URL(front.httpEndpoint);
  const timestamp = new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = [timestamp.slice(0, 8), region, 's3', 'aws4_request'];
  const signed = meta === '' ? 'host' : 'host;x-amz-meta-a';
  const query = [
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    `X-Amz-Credential=${encodeURIComponent([accessKeyId, ...scope].join('/'))}`,
    `X-Amz-Date=${timestamp}`,
    `X-Amz-Expires=${expiresSeconds}`,
    `X-Amz-SignedHeaders=${encodeURIComponent(signed)}`,
  ].join('&');
  const lines = `host:${host}\n${meta === '' ? '' : `x-amz-meta-a:${meta}\n`}`;
  const canonical = ['GET', path, query, lines, signed, 'UNSIGNED-PAYLOAD'].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope.join('/'), hash].join('\n');
  const hmac = (secret: Buffer, part: string): Buffer => createHmac('sha256', secret).update(part).digest();
  const key = scope.reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`));
  return `${origin}${path}?${query}&X-Amz-Signature=${hmac(key, toSign).toString('hex')}`;
}
