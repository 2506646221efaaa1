import { randomUUID } from 'node:crypto';
import type { AccessQuestion, Authorizer, Caller, PolicyDocument, PolicyStatement } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { Faults } from '../core/fault.ts';
import type { Iam, Session } from '../iam/iam.ts';
import type { EnvironmentOutcome } from './execution-environment.ts';
import type { FunctionConfiguration } from './function-configuration.ts';
import { createFunctionPool, type FunctionPool } from './function-pool.ts';
import { isRecursion, lambdaError } from './lambda-error.ts';
import { type RecursiveLoop, traceOfInvocation } from './lineage.ts';
import { createLogSink, type LogLine, type LogSink } from './log-sink.ts';
import { createUsageBook, type UsageBook } from './usage.ts';

/** The services and settings that a function uses. */
export interface FunctionHost {
  clock: Clock;
  iam: Authorizer & Pick<Iam, 'role' | 'createSession'>;
  hostVariables(): Record<string, string>;
  accountHasRoom(accountId: string): boolean;
  idleMs: number;
  initLimitMs: number;
  onLog(line: LogLine): void;
  faults: Readonly<Faults>;
}

/** Lambda's response to Invoke. */
export interface InvocationResult {
  requestId: string;
  /** `Unhandled` if the function failed, timed out or crashed. The payload then describes the error. */
  functionError: 'Unhandled' | null;
  /** The response of the function, in JSON. */
  payload: string;
}

/** A function of the local Lambda. An update replaces its version, but keeps its permissions, usage and logs. */
export interface LambdaFunction {
  configuration(): FunctionConfiguration;
  codeSha256(): string;
  codeSizeBytes(): number;
  /** When the current version was created, in milliseconds since the epoch. */
  modifiedAtMs(): number;
  pool(): FunctionPool;
  policy(): PolicyDocument;
  permissions: Map<string, PolicyStatement>;
  usage: UsageBook;
  logs: LogSink;
  /** Returns the function's role as a caller. Lambda's own requests, such as polling a queue or writing logs, have this caller. */
  roleCaller(): Caller;
  /**
   * Runs an invocation. `causes` are the trace headers of the events, or of the request, that caused the invocation.
   * @throws AwsError TooManyRequestsException, RequestTooLargeException, RecursiveInvocationException
   */
  run(payload: string, causes?: readonly string[]): Promise<InvocationResult>;
  /** Sets whether Lambda stops the function in a recursive loop. A new version replaces the setting. */
  setRecursiveLoop(recursiveLoop: RecursiveLoop): void;
  /** Sets the reserved concurrency; null removes the reservation. A new version replaces the setting. */
  setReservedConcurrency(executions: number | null): void;
  /** Replaces the version. New invocations use the new version. Resolves when the invocations of the old version have ended. */
  replaceVersion(version: FunctionVersion): Promise<void>;
}

export interface FunctionVersion {
  configuration: FunctionConfiguration;
  taskRoot: string;
  /** The base64 SHA-256 of the zip. */
  codeSha256: string;
  codeSizeBytes: number;
}

/** How long, in seconds, the sessions that Lambda opens for a function last: twelve hours, even if the role's maximum is shorter. */
const SESSION_SECONDS = 43_200;
const LARGEST_PAYLOAD_BYTES = 6 * 1024 * 1024;

/** Creates a function with its first version. */
export const createLambdaFunction = (host: FunctionHost, first: FunctionVersion): LambdaFunction => {
  let { configuration, codeSha256, codeSizeBytes } = first;
  let modifiedAtMs = host.clock.now();
  let caller: Caller | null = null;
  const permissions = new Map<string, PolicyStatement>();
  const usage = createUsageBook();
  const openSession = (role: FunctionConfiguration): Session =>
    host.iam.createSession(role.roleArn, role.functionName, SESSION_SECONDS);
  const roleCaller = (): Caller => (caller ??= openSession(configuration).caller);
  const logs = createLogSink(host, () => configuration, roleCaller, host.onLog);
  const poolOf = (version: FunctionVersion): FunctionPool =>
    createFunctionPool({
      ...version,
      clock: host.clock,
      openSession: () => openSession(version.configuration).credentials,
      hostVariables: host.hostVariables,
      accountHasRoom: () => host.accountHasRoom(version.configuration.accountId),
      reservedConcurrency: () => configuration.reservedConcurrency,
      idleMs: host.idleMs,
      initLimitMs: host.initLimitMs,
      fault: () => host.faults.plan?.invocation?.(version.configuration.functionName),
      usage,
      onLine: (...line) => logs.write(...line),
    });
  let pool = poolOf(first);
  const change = (changes: Partial<FunctionConfiguration>): void => {
    configuration = { ...configuration, ...changes };
  };
  return {
    configuration: () => configuration,
    codeSha256: () => codeSha256,
    codeSizeBytes: () => codeSizeBytes,
    modifiedAtMs: () => modifiedAtMs,
    pool: () => pool,
    policy: () => ({ Version: '2012-10-17', Statement: [...permissions.values()] }),
    permissions,
    usage,
    logs,
    roleCaller,
    setRecursiveLoop: (recursiveLoop) => change({ recursiveLoop }),
    setReservedConcurrency: (reservedConcurrency) => change({ reservedConcurrency }),
    run: async (payload, causes = []) => {
      refuseLargePayload(payload);
      const requestId = randomUUID();
      const traceId = traced({ ...configuration, clock: host.clock }, causes, usage);
      return toResult(requestId, await pool.run({ requestId, payload, traceId }));
    },
    replaceVersion: async (version) => {
      const old = pool;
      ({ configuration, codeSha256, codeSizeBytes } = version);
      modifiedAtMs = host.clock.now();
      caller = null;
      pool = poolOf(version);
      await old.retire();
    },
  };
};

const refuseLargePayload = (payload: string): void => {
  if (Buffer.byteLength(payload) <= LARGEST_PAYLOAD_BYTES) return;
  throw lambdaError(
    'RequestTooLargeException',
    'Request must be smaller than 6291456 bytes for the InvokeFunction operation',
  );
};

const traced = (
  target: Parameters<typeof traceOfInvocation>[0],
  causes: readonly string[],
  usage: UsageBook,
): string => {
  try {
    return traceOfInvocation(target, causes);
  } catch (error) {
    if (isRecursion(error)) usage.recursionDropped();
    throw error;
  }
};

const toResult = (requestId: string, outcome: EnvironmentOutcome): InvocationResult => {
  if (Buffer.byteLength(outcome.payload) > LARGEST_PAYLOAD_BYTES) {
    const error = {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size exceeded maximum allowed payload size (${LARGEST_PAYLOAD_BYTES} bytes).`,
    };
    return { requestId, functionError: 'Unhandled', payload: JSON.stringify(error) };
  }
  return {
    requestId,
    functionError: outcome.kind === 'response' ? null : 'Unhandled',
    payload: outcome.payload,
  };
};

/** Throws the error of Lambda if the function's role does not exist or does not trust Lambda. */
export const checkRole = (iam: FunctionHost['iam'], configuration: FunctionConfiguration): void => {
  const { roleArn, functionArn, accountId } = configuration;
  const role = iam.role(roleArn);
  if (!role || !iam.decide(trustQuestion(role.trust, roleArn, functionArn, accountId)).allowed) {
    throw lambdaError(
      'InvalidParameterValueException',
      'The role defined for the function cannot be assumed by Lambda.',
    );
  }
};

const trustQuestion = (
  resourcePolicy: PolicyDocument,
  roleArn: string,
  functionArn: string,
  accountId: string,
): AccessQuestion => ({
  caller: {
    kind: 'service',
    service: 'lambda.amazonaws.com',
    sourceArn: functionArn,
    sourceAccount: accountId,
  },
  action: 'sts:AssumeRole',
  resource: roleArn,
  resourceAccountId: accountId,
  resourcePolicy,
  secureTransport: true,
});
