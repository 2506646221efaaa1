import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Authorizer } from '../core/access.ts';
import { requestKeys, type AwsRequest } from '../core/request.ts';
import { notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { describeFunction } from './describe-function.ts';
import { lambdaError } from './lambda-error.ts';
import { permissionShape, permissionStatement } from './permission-http.ts';
import type { InvocationResult, LambdaFunction } from './lambda-function.ts';

const MAX_EVENT_BYTES = { RequestResponse: 6_291_456, Event: 1_048_576 };
type InvocationType = keyof typeof MAX_EVENT_BYTES;

/** The functions and permissions that the API needs. */
export interface Invoker {
  authorizer: Authorizer;
  /**
   * Returns the function; null if it does not exist. Only callers with permission for the function learn from the API that it does not
   * exist.
   */
  find(functionArn: string): LambdaFunction | null;
  invokeText(
    functionArn: string,
    payload: string,
    options: { type: InvocationType; traceHeader: string | undefined },
  ): Promise<InvocationResult>;
}

/**
 * Handles Invoke, the operations that describe a function, and the operations for its recursion settings.
 * @throws AwsError the errors of the operation
 * Sources: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and API_GetFunction.html
 */
export const handleLambdaRequest = async (
  invoker: Invoker,
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> => {
  const [, name = '', what = ''] =
    /^\/(?:2015-03-31|2017-10-31|2019-09-30|2024-08-31)\/functions\/([^/]+)(\/[\w-]+)?(?:\/[^/]+)?$/.exec(
      request.path,
    ) ?? [];
  const functionArn = toFunctionArn(request, decodeURIComponent(name));
  const operation = `${request.method} ${what}`;
  if (name !== '' && operation === 'POST /invocations') {
    await invoke(invoker, functionArn, request, response);
    return;
  }
  const description = name === '' ? undefined : DESCRIPTIONS[operation];
  if (!description) throw notSupported(`${request.method} ${request.path} of Lambda`);
  authorizeFor(invoker, functionArn, request, `lambda:${description.action}`);
  const found = invoker.find(functionArn);
  if (!found) throw lambdaError('ResourceNotFoundException', `Function not found: ${functionArn}`);
  writeJson(response, await description.answer(found, request), 'application/json');
};

/** The operations that describe a function or change one of its settings, by method and the part of the path after the function's name. */
const DESCRIPTIONS: Record<
  string,
  { action: string; answer(found: LambdaFunction, request: AwsRequest): unknown }
> = {
  'GET ': {
    action: 'GetFunction',
    answer: (found) => ({ Configuration: describeFunction(found), Code: { RepositoryType: 'S3' } }),
  },
  'GET /configuration': { action: 'GetFunctionConfiguration', answer: (found) => describeFunction(found) },
  'GET /versions': {
    action: 'ListVersionsByFunction',
    answer: (found) => ({ Versions: [describeFunction(found)] }),
  },
  'GET /recursion-config': {
    action: 'GetFunctionRecursionConfig',
    answer: (found) => ({ RecursiveLoop: found.configuration().recursiveLoop }),
  },
  'PUT /recursion-config': {
    action: 'PutFunctionRecursionConfig',
    answer: async (found, request) => {
      const wanted = recursionConfig.safeParse(JSON.parse(await readPayload(request, 'RequestResponse')));
      if (!wanted.success) throw lambdaError('InvalidParameterValueException', z.prettifyError(wanted.error));
      found.setRecursiveLoop(wanted.data.RecursiveLoop);
      return { RecursiveLoop: found.configuration().recursiveLoop };
    },
  },
  'GET /concurrency': { action: 'GetFunctionConcurrency', answer: (found) => reservedConcurrency(found) },
  'PUT /concurrency': {
    action: 'PutFunctionConcurrency',
    answer: async (found, request) => {
      const wanted = concurrencyConfig.safeParse(JSON.parse(await readPayload(request, 'RequestResponse')));
      if (!wanted.success) throw lambdaError('InvalidParameterValueException', z.prettifyError(wanted.error));
      found.setReservedConcurrency(wanted.data.ReservedConcurrentExecutions);
      return reservedConcurrency(found);
    },
  },
  'DELETE /concurrency': {
    action: 'DeleteFunctionConcurrency',
    answer: (found) => {
      found.setReservedConcurrency(null);
      return {};
    },
  },
  'GET /policy': {
    action: 'GetPolicy',
    answer: (found) => {
      if (found.permissions.size === 0)
        throw lambdaError('ResourceNotFoundException', 'The resource you requested does not exist.');
      return { Policy: JSON.stringify(found.policy()) };
    },
  },
  'POST /policy': {
    action: 'AddPermission',
    answer: async (found, request) => {
      const wanted = addedPermission.safeParse(JSON.parse(await readPayload(request, 'RequestResponse')));
      if (!wanted.success) throw lambdaError('InvalidParameterValueException', z.prettifyError(wanted.error));
      const { StatementId: id, ...permission } = wanted.data;
      if (found.permissions.has(id))
        throw lambdaError('ResourceConflictException', `The statement id (${id}) provided already exists.`);
      const statement = permissionStatement(found.configuration().functionArn, id, permission);
      found.permissions.set(id, statement);
      return { Statement: JSON.stringify(statement) };
    },
  },
  'DELETE /policy': {
    action: 'RemovePermission',
    answer: (found, request) => {
      const id = decodeURIComponent(request.path.slice(request.path.lastIndexOf('/') + 1));
      if (!found.permissions.delete(id))
        throw lambdaError('ResourceNotFoundException', `Statement ${id} is not found in resource policy.`);
      return {};
    },
  },
};

const reservedConcurrency = (found: LambdaFunction): object => {
  const { reservedConcurrency: reserved } = found.configuration();
  return reserved === null ? {} : { ReservedConcurrentExecutions: reserved };
};

const addedPermission = permissionShape.extend({ StatementId: z.string() });

const concurrencyConfig = z.object({ ReservedConcurrentExecutions: z.int().min(0) });

const recursionConfig = z.object({ RecursiveLoop: z.enum(['Allow', 'Terminate']) });

const invoke = async (
  invoker: Invoker,
  functionArn: string,
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> => {
  authorizeFor(invoker, functionArn, request, 'lambda:InvokeFunction');
  const type = invocationType(request);
  const payload = await readPayload(request, type);
  const trace = request.headers['x-amzn-trace-id'];
  const traceHeader = typeof trace === 'string' ? trace : undefined;
  const result = await invoker.invokeText(functionArn, payload, { type, traceHeader });
  response.writeHead(type === 'Event' ? 202 : 200, {
    'content-type': 'application/json',
    'x-amzn-requestid': result.requestId || randomUUID(),
    'x-amz-executed-version': '$LATEST',
    ...(result.functionError && { 'x-amz-function-error': result.functionError }),
  });
  response.end(result.payload);
};

const toFunctionArn = (request: AwsRequest, name: string): string => {
  if (name.startsWith('arn:')) return name.replace(/:\$LATEST$/, '');
  const accountId = 'accountId' in request.caller ? request.caller.accountId : '';
  return `arn:aws:lambda:${request.region}:${accountId}:function:${name.replace(/:\$LATEST$/, '')}`;
};

const authorizeFor = (
  { find, authorizer }: Invoker,
  functionArn: string,
  request: AwsRequest,
  action: string,
): void => {
  const found = find(functionArn);
  const question = {
    caller: request.caller,
    action,
    resource: functionArn,
    resourceAccountId: functionArn.split(':')[4] ?? '',
    resourcePolicy: found?.policy(),
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = authorizer.decide(question);
  if (!decision.allowed) {
    throw lambdaError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
  }
};

const invocationType = (request: AwsRequest): InvocationType => {
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type === 'RequestResponse' || type === 'Event') return type;
  throw lambdaError('InvalidParameterValueException', `invocation type ${String(type)} is not known here`);
};

const readPayload = async (request: AwsRequest, type: InvocationType): Promise<string> => {
  const limitBytes = MAX_EVENT_BYTES[type];
  const text = (await readBody(request.body, limitBytes)).toString('utf8') || '{}';
  try {
    JSON.parse(text);
  } catch (error) {
    throw lambdaError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${String(error)}`,
    );
  }
  return text;
};
