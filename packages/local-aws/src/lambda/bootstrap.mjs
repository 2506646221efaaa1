/**
 * The Node.js runtime of an execution environment. It loads the handler that `_HANDLER` names and receives invocations over the Lambda
 * Runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html). It runs in a child process of the host, which is the
 * process of the local AWS, and has only the environment variables that Lambda sets. This file is plain JavaScript, because removing types
 * would make every cold start slower.
 *
 * In this runtime, unlike in AWS:
 * - The process ends when the host ends, because file descriptor 3 is then closed.
 * - Each response contains the resource usage of the process. Before the response, the runtime prints an end marker to stdout and stderr.
 *   When the host has read both markers, it has read all output of the invocation.
 * - The clock of the process follows the clock of the local AWS.
 * - Between invocations, the process blocks until the host sends a byte, so no timer or callback runs. AWS freezes the whole environment
 *   instead.
 */
import { existsSync, readSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const END_MARKER = '\u0000end ';
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const agent = new http.Agent({ keepAlive: true });
const writeStdout = process.stdout.write.bind(process.stdout);
const writeStderr = process.stderr.write.bind(process.stderr);

let currentRequestId;
let initialised = false;
let clockOffsetMs = 0;

const main = async () => {
  dieWithHost();
  followClock();
  patchConsole();
  reportUncaught();
  const handler = await loadHandler().catch(failInit);
  initialised = true;
  for (;;) await serveOne(handler);
};

const dieWithHost = () => {
  const lifeline = new Socket({ fd: 3 });
  lifeline.on('end', () => process.exit(1)).on('error', () => process.exit(1));
  lifeline.resume().unref();
};

/**
 * Makes `Date` follow the clock of the local AWS, which a test may have moved. Each invocation tells how far that clock is ahead of real
 * time. The new `Date` is a proxy of the original one, so native dates are still instances of `Date`. It is installed before the handler is
 * loaded, because code may keep a reference to `Date` or `Date.now`.
 */
const followClock = () => {
  const RealDate = Date;
  const now = () => RealDate.now() + clockOffsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
};

/** Changes the console methods as AWS's runtime does, so that the lines have the format of CloudWatch Logs. */
const patchConsole = () => {
  const print =
    (write, level) =>
    (message, ...rest) =>
      write(
        `${new Date().toISOString()}\t${currentRequestId ?? 'undefined'}\t${level}\t${format(message, ...rest).replaceAll('\n', '\r')}\n`,
      );
  console.log = print(writeStdout, 'INFO');
  console.info = print(writeStdout, 'INFO');
  console.debug = print(writeStdout, 'DEBUG');
  console.trace = print(writeStdout, 'TRACE');
  console.warn = print(writeStderr, 'WARN');
  console.error = print(writeStderr, 'ERROR');
};

const reportUncaught = () => {
  const report = (label, errorType, exitCode) => (thrown) => {
    const error = { ...errorBody(thrown), ...(errorType && { errorType }) };
    console.error(label, JSON.stringify(error));
    if (initialised && !currentRequestId) process.exit(exitCode);
    const path = initialised ? `/invocation/${currentRequestId}/error` : '/init/error';
    void markEnd(currentRequestId);
    void post(path, JSON.stringify(error), error.errorType).finally(() => process.exit(exitCode));
  };
  process.on('uncaughtException', report('Uncaught Exception', undefined, 129));
  process.on(
    'unhandledRejection',
    report('Unhandled Promise Rejection', 'Runtime.UnhandledPromiseRejection', 128),
  );
};

const failInit = async (thrown) => {
  const error = errorBody(thrown);
  console.error('Init Error', JSON.stringify(error));
  await post('/init/error', JSON.stringify(error), error.errorType);
  process.exit(1);
};

const loadHandler = async () => {
  const name = process.env._HANDLER;
  const file = basename(name);
  const dot = file.indexOf('.');
  if (dot < 1) throw runtimeError('Runtime.MalformedHandlerName', `Bad handler ${name}`);
  const module = await loadModule(join(dirname(name), file.slice(0, dot)));
  const path = file.slice(dot + 1).split('.');
  const handler = path.reduce((value, property) => value?.[property], module);
  if (handler === undefined) {
    throw runtimeError('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function')
    throw runtimeError('Runtime.HandlerNotFound', `${name} is not a function`);
  if (handler.length > 2) {
    throw runtimeError(
      'Runtime.CallbackHandlerDeprecated',
      'Callback-based function handlers are not supported from Node.js 24 on',
    );
  }
  return handler;
};

const loadModule = async (modulePath) => {
  const base = join(process.env.LAMBDA_TASK_ROOT, modulePath);
  const file = ['.js', '.mjs', '.cjs', '']
    .map((extension) => base + extension)
    .find((path) => existsSync(path));
  if (!file) throw runtimeError('Runtime.ImportModuleError', `Error: Cannot find module '${modulePath}'`);
  try {
    return file.endsWith('.mjs') ? await import(pathToFileURL(file).href) : createRequire(file)(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw runtimeError('Runtime.UserCodeSyntaxError', String(error), error);
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw runtimeError('Runtime.ImportModuleError', String(error), error);
    }
    throw error;
  }
};

const runtimeError = (name, message, cause) => Object.assign(new Error(message, { cause }), { name });

const serveOne = async (handler) => {
  const { headers, body } = await next();
  const requestId = headers['lambda-runtime-aws-request-id'];
  currentRequestId = requestId;
  clockOffsetMs = Number(headers['local-clock-offset-ms']);
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
  try {
    const result = await handler(JSON.parse(body), contextOf(headers));
    await finish(requestId, 'response', JSON.stringify(result === undefined ? null : result));
  } catch (thrown) {
    const error = errorBody(thrown);
    console.error('Invoke Error', JSON.stringify(error));
    await finish(requestId, 'error', JSON.stringify(error), error.errorType);
  }
};

const contextOf = (headers) => {
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
};

const errorBody = (thrown) =>
  thrown instanceof Error
    ? { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') }
    : { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };

const finish = async (requestId, kind, body, errorType) => {
  currentRequestId = undefined;
  await markEnd(requestId);
  await post(`/invocation/${requestId}/${kind}`, body, errorType);
};

/** Writes the end markers. Resolves when the operating system has taken all output, because a frozen process cannot write. */
const markEnd = (requestId) =>
  Promise.all(
    [writeStdout, writeStderr].map(
      (write) => new Promise((resolve) => write(`${END_MARKER}${requestId}\n`, resolve)),
    ),
  );

const next = async () => {
  const { statusCode, headers, body } = await request('GET', '/invocation/next', { onSent: freeze });
  if (statusCode !== 200) process.exit(1);
  return { headers, body };
};

/** Blocks the whole process until the host has an invocation. Ends the process if the host has ended. */
const freeze = () => {
  if (readSync(4, Buffer.alloc(1)) === 0) process.exit(1);
};

const post = (path, body, errorType) =>
  request('POST', path, {
    body,
    headers: {
      'content-type': 'application/json',
      'local-resource-usage': JSON.stringify(process.resourceUsage()),
      ...(errorType && { 'lambda-runtime-function-error-type': errorType.replaceAll(/[^\x20-\x7e]/g, '?') }),
    },
  });

/**
 * Sends a request to the Runtime API. If the connection breaks, the host has ended, so this ends the process too. `onSent` is called when
 * the request is sent, and may block the process.
 */
const request = (method, path, { body, headers, onSent = () => undefined }) =>
  new Promise((resolve) => {
    const outgoing = http.request(api + path, { method, agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', () => process.exit(1));
      response.on('end', () =>
        resolve({
          statusCode: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    outgoing.on('error', () => process.exit(1)).on('finish', onSent);
    outgoing.end(body);
  });

await main();
