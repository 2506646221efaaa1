import { ServerResponse } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../core/fault.ts';
import type { AwsRequest } from '../core/request.ts';
import { expiredCredentials } from './authenticate.ts';
import { AwsError } from './aws-error.ts';
import { throttlingError } from './fault-errors.ts';

/** A request and response on which a fault acts. */
interface Disturbed {
  request: AwsRequest;
  response: ServerResponse;
  killFunction?: ((request: AwsRequest) => Promise<void>) | undefined;
}

type Work = (request: AwsRequest, response: ServerResponse) => Promise<void>;

/**
 * Runs `work`, which serves a request, with a fault. Depending on the fault, it throws an error instead, cuts the connection before or
 * after `work`, or cuts or slows down the body of the request or response. The caller handles the fault `clock-skew`.
 */
export async function withFault(fault: Fault | undefined, exchange: Disturbed, work: Work): Promise<void> {
  const { request, response } = exchange;
  switch (fault?.kind) {
    case undefined:
    case 'clock-skew':
      return work(request, response);
    case 'error':
      throw new AwsError(fault.code, fault.message ?? `${fault.code}: injected by the fault plan`, fault);
    case 'throttle':
      throw throttlingError(request.service, fault.by);
    case 'expired-credentials':
      throw expiredCredentials(request.service);
    case 'reset-before':
      response.destroy();
      return;
    case 'reset-after':
      await work(request, answerToNobody(response)).finally(() => response.destroy());
      return;
    case 'lose-answer':
      // An error would also be a response, so it is not sent either.
      await work(request, answerToNobody(response)).catch(() => undefined);
      return;
    case 'kill-function':
      await killFunction(fault.when, exchange, work);
      return;
    case 'truncate':
      return work(request, cutAfter(response, fault.afterBytes));
    case 'truncate-request':
      return work({ ...request, body: cutBody(request.body, fault.afterBytes, response) }, response);
    case 'slow-answer':
      return work(request, slowAnswer(response, fault.bytesPerSecond));
    case 'slow-request':
      return work({ ...request, body: Readable.from(slowly(request.body, fault.bytesPerSecond)) }, response);
    case 'delay':
      await sleep(fault.byMs);
      if (!response.destroyed) await work(request, response);
  }
}

async function killFunction(when: 'before' | 'after', exchange: Disturbed, work: Work): Promise<void> {
  const { request, response } = exchange;
  if (!exchange.killFunction) throw new Error('there is nobody here who could kill a function');
  try {
    if (when === 'after') await work(request, answerToNobody(response));
    await exchange.killFunction(request);
  } finally {
    response.destroy();
  }
}

/** Creates a response that accepts all data but sends nothing. */
function answerToNobody(response: ServerResponse): ServerResponse {
  const nowhere = new ServerResponse(response.req);
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  // The types of assignSocket require a socket, but any stream works.
  Reflect.apply(nowhere.assignSocket, nowhere, [sink]);
  return nowhere;
}

/** Changes a response so that it sends this many bytes of the body and then cuts the connection. */
function cutAfter(response: ServerResponse, afterBytes: number): ServerResponse {
  let leftBytes = afterBytes;
  return passBody(response, async (bytes, write) => {
    const passed = bytes.subarray(0, leftBytes);
    leftBytes -= passed.length;
    await write(passed);
    if (passed.length < bytes.length) response.destroy();
  });
}

function slowAnswer(response: ServerResponse, bytesPerSecond: number): ServerResponse {
  return passBody(response, async (bytes, write) => {
    for (const piece of piecesOf(bytes, bytesPerSecond)) {
      await sleep(pauseMs);
      if (response.destroyed) return;
      await write(piece);
    }
  });
}

/**
 * Changes a response so that every chunk of its body goes to `pass` instead of the connection. `pass` receives the chunks in order, one at
 * a time, and writes the bytes to send.
 */
function passBody(
  response: ServerResponse,
  pass: (bytes: Buffer, write: (bytes: Buffer) => Promise<void>) => Promise<void>,
): ServerResponse {
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  // If the connection is closed, the bytes are dropped without an error.
  const put = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      if (response.destroyed) resolve();
      else write(bytes, () => resolve());
    });
  let last = Promise.resolve();
  const enqueue = (chunk: string | Uint8Array): Promise<void> => {
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk)
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    last = last.then(() => pass(bytes, put));
    return last;
  };
  Object.assign(response, {
    write: (chunk: string | Uint8Array, ...rest: unknown[]) => {
      const done = rest.at(-1);
      void (async () => {
        await enqueue(chunk);
        if (typeof done === 'function') done(null);
        response.emit('drain');
      })();
      return false;
    },
    end: (chunk?: unknown) => {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) void enqueue(chunk);
      void (async () => {
        await last;
        if (!response.destroyed) end();
      })();
      return response;
    },
  });
  return response;
}

/** Returns the body of a request whose connection is cut after this many bytes. A shorter body is not affected. */
function cutBody(body: Readable, afterBytes: number, response: ServerResponse): Readable {
  async function* cut(): AsyncIterable<Buffer> {
    let leftBytes = afterBytes;
    for await (const bytes of buffersOf(body)) {
      if (bytes.length > leftBytes) {
        if (leftBytes > 0) yield bytes.subarray(0, leftBytes);
        response.destroy();
        throw new Error('the connection was lost in mid-body');
      }
      leftBytes -= bytes.length;
      yield bytes;
    }
  }
  return Readable.from(cut(), { objectMode: false });
}

async function* slowly(body: Readable, bytesPerSecond: number): AsyncIterable<Buffer> {
  for await (const bytes of buffersOf(body)) {
    for (const piece of piecesOf(bytes, bytesPerSecond)) {
      await sleep(pauseMs);
      yield piece;
    }
  }
}

async function* buffersOf(body: Readable): AsyncIterable<Buffer> {
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
  }
}

const pauseMs = 20;

/** Splits bytes into pieces, each as large as the rate allows in `pauseMs`. */
function* piecesOf(bytes: Buffer, bytesPerSecond: number): Iterable<Buffer> {
  const pieceBytes = Math.max(1, Math.floor((bytesPerSecond * pauseMs) / 1000));
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
