import { EventEmitter } from 'node:events';
import dynalite from 'dynalite';
import type { EngineAnswer, EngineCall, Json } from './answer.ts';

/**
 * The tables of one account and region, kept by dynalite. Asks nobody for permission. The function drives dynalite's request
 * handler directly; dynalite never listens.
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
        // dynalite throws when it does not expect the input; in a real server that would end the process.
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
}

/** The front door has verified the signature already; dynalite checks only that there is one. */
function headersOf(operation: string): Record<string, string> {
  return {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=verified, SignedHeaders=verified, Signature=verified',
  };
}

/** dynalite knows only one account and region, which it takes from the environment. */
function withRightArns(text: string, accountId: string, region: string): string {
  return text.replace(
    /"arn:aws:dynamodb:[^:"]*:\d*:table\//g,
    `"arn:aws:dynamodb:${region}:${accountId}:table/`,
  );
}
