import { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import type { Fault } from '../core.ts';
import { AwsError } from './aws-error.ts';

/**
 * Does `work` under a fault: an error instead of it, a connection cut before or after it, or a cut answer.
 * `work` gets the response it shall answer to, which after `reset-after` leads nowhere.
 */
export async function withFault(
  fault: Fault | undefined,
  response: ServerResponse,
  work: (response: ServerResponse) => Promise<void>,
): Promise<void> {
  switch (fault?.kind) {
    case undefined:
      return work(response);
    case 'error':
      throw new AwsError(fault.code, `${fault.code}: injected by the fault plan`, { status: fault.status });
    case 'reset-before':
      response.destroy();
      return;
    case 'reset-after':
      await work(answerToNobody(response)).finally(() => response.destroy());
      return;
    case 'truncate':
      return work(cutAfter(response, fault.afterBytes));
  }
}

/** A response that takes everything and sends nothing. */
function answerToNobody(response: ServerResponse): ServerResponse {
  const nowhere = new ServerResponse(response.req);
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  // assignSocket is documented for sockets, but uses them only as a stream.
  Reflect.apply(nowhere.assignSocket, nowhere, [sink]);
  return nowhere;
}

/** Lets through so many bytes of the body and then cuts the connection. */
function cutAfter(response: ServerResponse, afterBytes: number): ServerResponse {
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  let leftBytes = afterBytes;
  const writeUpTo = (chunk: string | Uint8Array): boolean => {
    const bytes = Buffer.from(chunk);
    const isCut = bytes.length > leftBytes;
    write(bytes.subarray(0, leftBytes), () => {
      if (isCut) response.destroy();
    });
    leftBytes -= Math.min(leftBytes, bytes.length);
    return !isCut;
  };
  Object.assign(response, {
    write: writeUpTo,
    end: (chunk?: string | Uint8Array) => {
      if (chunk === undefined || writeUpTo(chunk)) end();
      return response;
    },
  });
  return response;
}
