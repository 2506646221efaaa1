import { EventEmitter } from 'node:events';
import dynalite from 'dynalite';
import type { EngineAnswer, EngineCall, Json } from './answer.ts';

/**
 * Creates the tables of an account and region in dynalite. Returns a function that performs operations on them without checking
 * permissions. The function calls dynalite's request handler directly, so no server listens on a port.
 */
export function createEngine(accountId: string, region: string): EngineCall {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return (operation, input) =>
    new Promise<EngineAnswer>((resolve, reject) => {
      const request = Object.assign(new EventEmitter(), {
        method: 'POST',
        url: '/',
        headers: headersOf(operation),
      });
      const response = {
        statusCode: 200,
        setHeader: () => undefined,
        end: (text: string) => {
          const body: Json = JSON.parse(withRightArns(text, accountId, region));
          resolve({ status: response.statusCode, body });
        },
      };
      try {
        server.emit('request', request, response);
        request.emit('data', Buffer.from(JSON.stringify(input)));
        request.emit('end');
      } catch (error) {
        // For some unexpected input, dynalite throws instead of responding. In dynalite's own server, this error would end the process.
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
}

/** The headers of a request to dynalite. dynalite requires a signature but does not verify it. */
function headersOf(operation: string): Record<string, string> {
  return {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=verified, SignedHeaders=verified, Signature=verified',
  };
}

/** Corrects the account and region in all ARNs of a response, because dynalite always uses the same account and region. */
function withRightArns(text: string, accountId: string, region: string): string {
  return text.replace(
    /"arn:aws:dynamodb:[^:"]*:\d*:table\//g,
    `"arn:aws:dynamodb:${region}:${accountId}:table/`,
  );
}
