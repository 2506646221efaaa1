import { Agent, request } from 'node:http';

/** A minimal HTTP client, which uses no SDK, signs nothing and keeps no bodies in memory. */
export interface PlainClient {
  /** Sends a body of `bodyBytes` bytes and reads the whole response. Throws if the status is 300 or more. */
  send(method: string, url: string, options?: SendOptions): Promise<PlainAnswer>;
  close(): void;
}

interface SendOptions {
  headers?: Record<string, string>;
  bodyBytes?: number;
  body?: string;
}

export interface PlainAnswer {
  receivedBytes: number;
  etag: string;
  /** The body if it is short; empty if it is long. */
  text: string;
}

const chunk = Buffer.alloc(256 * 1024, 'replicate ');
const SHORT_BYTES = 64 * 1024;

export const createPlainClient = (): PlainClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    close: () => agent.destroy(),
    send: (method, url, { headers = {}, bodyBytes = 0, body } = {}) =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? bodyBytes : Buffer.byteLength(body);
        const outgoing = request(
          url,
          { method, agent, headers: { ...headers, 'content-length': length } },
          (answer) => {
            const chunks: Buffer[] = [];
            let receivedBytes = 0;
            answer.on('data', (data: Buffer) => {
              receivedBytes += data.length;
              if (receivedBytes <= SHORT_BYTES) chunks.push(data);
            });
            answer.on('error', reject);
            answer.on('end', () => {
              const text = receivedBytes <= SHORT_BYTES ? Buffer.concat(chunks).toString() : '';
              if ((answer.statusCode ?? 500) >= 300)
                reject(new Error(`${method} ${url}: ${answer.statusCode} ${text}`));
              else resolve({ receivedBytes, etag: answer.headers.etag ?? '', text });
            });
          },
        );
        outgoing.on('error', reject);
        if (body !== undefined) outgoing.end(body);
        else pump(bodyBytes);

        function pump(leftBytes: number): void {
          for (let left = leftBytes; left > 0;) {
            const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
            left -= piece.length;
            if (!outgoing.write(piece) && left > 0) {
              outgoing.once('drain', () => pump(left));
              return;
            }
          }
          outgoing.end();
        }
      }),
  };
};
