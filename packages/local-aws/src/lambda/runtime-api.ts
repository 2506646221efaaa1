import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An invocation, as the Runtime API delivers it. */
export interface PendingInvocation {
  requestId: string;
  functionArn: string;
  payload: string;
  /** When the invocation times out, in milliseconds since the epoch by the clock of the local AWS. */
  deadlineMs: number;
  /** How far the local AWS's clock is ahead of this machine's clock. */
  clockOffsetMs: number;
  traceId: string;
}

/** The response of a function's process. `usage` is the result of `process.resourceUsage()` in the process. */
export interface RuntimeAnswer {
  kind: 'response' | 'error' | 'init-error';
  requestId: string | null;
  payload: string;
  usage: ResourceUsage | null;
}

export interface ResourceUsage {
  /** The highest resident set size, in kibibytes. */
  maxRSS: number;
  /** The user CPU time, in microseconds. */
  userCPUTime: number;
  /** The system CPU time, in microseconds. */
  systemCPUTime: number;
}

export interface RuntimeApi {
  /** The host and port. The process receives them in AWS_LAMBDA_RUNTIME_API. */
  address: string;
  /** Delivers an invocation to the process, in response to its current or next request for `/invocation/next`. */
  give(invocation: PendingInvocation): void;
  close(): void;
}

export interface RuntimeListener {
  /** Called when the process asks for an invocation. The process is then initialised and idle. */
  onNext(): void;
  onAnswer(answer: RuntimeAnswer): void;
}

const PREFIX = '/2018-06-01/runtime';

/**
 * Starts the Runtime API of an execution environment. Each environment has a separate port on the loopback interface.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export const startRuntimeApi = async (listener: RuntimeListener): Promise<RuntimeApi> => {
  let waiting: ServerResponse | null = null;
  let given: PendingInvocation | null = null;

  const deliver = (): void => {
    if (!waiting || !given) return;
    sendInvocation(waiting, given);
    waiting = null;
    given = null;
  };
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === `${PREFIX}/invocation/next`) {
      waiting = response;
      deliver();
      if (waiting) listener.onNext();
      return;
    }
    // The connection also breaks if the process is killed while it sends its response. The execution environment handles the exit.
    receiveAnswer(request, response, listener).catch(() => response.destroy());
  });
  // No timeout, because the connection is idle during an invocation, which may take 15 minutes.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${portOf(server.address())}`,
    give: (invocation) => {
      given = invocation;
      deliver();
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const portOf = (address: AddressInfo | string | null): number => {
  if (address === null || typeof address === 'string') throw new Error('the runtime API does not listen');
  return address.port;
};

const sendInvocation = (response: ServerResponse, invocation: PendingInvocation): void => {
  response.writeHead(200, {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': invocation.requestId,
    'lambda-runtime-deadline-ms': String(invocation.deadlineMs),
    'lambda-runtime-invoked-function-arn': invocation.functionArn,
    'lambda-runtime-trace-id': invocation.traceId,
    'local-clock-offset-ms': String(invocation.clockOffsetMs),
  });
  response.end(invocation.payload);
};

const receiveAnswer = async (
  request: IncomingMessage,
  response: ServerResponse,
  listener: RuntimeListener,
): Promise<void> => {
  const payload = await readBody(request);
  const answer = toAnswer(request, payload);
  response.writeHead(answer ? 202 : 404, { 'content-type': 'application/json' }).end('{"status":"OK"}\n');
  if (answer) listener.onAnswer(answer);
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
};

const toAnswer = (request: IncomingMessage, payload: string): RuntimeAnswer | null => {
  const usage = readUsage(request.headers['local-resource-usage']);
  if (request.url === `${PREFIX}/init/error`) return { kind: 'init-error', requestId: null, payload, usage };
  const match = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(request.url ?? '');
  if (request.method !== 'POST' || !match?.[1]) return null;
  return { kind: match[2] === 'response' ? 'response' : 'error', requestId: match[1], payload, usage };
};

const readUsage = (header: string | string[] | undefined): ResourceUsage | null => {
  if (typeof header !== 'string') return null;
  const usage: ResourceUsage = JSON.parse(header);
  return usage;
};
