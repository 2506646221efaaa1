import { EventEmitter } from 'node:events';
import dynalite from 'dynalite';

/** An answer of DynamoDB's JSON protocol. */
export interface EngineAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** The tables of one account and region, kept by dynalite. Asks nobody for permission. */
export interface Engine {
  call(operation: string, input: Record<string, unknown>): Promise<EngineAnswer>;
}

/** dynalite is driven by its request handler; it never listens. */
export function createEngine(accountId: string, region: string): Engine {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return {
    call: (operation, input) =>
      new Promise((resolve, reject) => {
        const request = Object.assign(new EventEmitter(), {
          method: 'POST',
          url: '/',
          headers: headersOf(operation),
        });
        const response = {
          statusCode: 200,
          setHeader: () => undefined,
          end: (text: string) => {
            const body: Record<string, unknown> = JSON.parse(withRightArns(text, accountId, region));
            resolve({ status: response.statusCode, body });
          },
        };
        try {
          server.emit('request', request, response);
          request.emit('data', Buffer.from(JSON.stringify(input)));
          request.emit('end');
        } catch (error) {
          // dynalite throws at input it does not expect, which in a real server would end the process.
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      }),
  };
}

/** The signature was verified before; dynalite only wants to see that there is one. */
function headersOf(operation: string): Record<string, string> {
  return {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=verified, SignedHeaders=verified, Signature=verified',
  };
}

/** dynalite knows one account and region, taken from the environment. */
function withRightArns(text: string, accountId: string, region: string): string {
  return text.replace(
    /"arn:aws:dynamodb:[^:"]*:\d*:table\//g,
    `"arn:aws:dynamodb:${region}:${accountId}:table/`,
  );
}
