import { join } from 'node:path';
import type { PolicyStatement } from '../core/access.ts';
import { parseFunctionProperties } from './function-configuration.ts';
import { lambdaError } from './lambda-error.ts';
import {
  checkRole,
  createLambdaFunction,
  type FunctionHost,
  type FunctionVersion,
  type LambdaFunction,
} from './lambda-function.ts';
import { unpackCode } from './unzip.ts';

/** The resolved properties of an AWS::Lambda::Function, with `zipFile` instead of Code. */
export interface FunctionDefinition {
  accountId: string;
  region: string;
  /** The zip of the code: its path, or its content. */
  zipFile: string | Buffer;
  properties: Record<string, unknown>;
}

/** The functions of all accounts and regions. */
export interface FunctionRegistry {
  createFunction(definition: FunctionDefinition): Promise<{ functionArn: string; codeSha256: string }>;
  /** Replaces the configuration and the code of the function with the same name. */
  updateFunction(definition: FunctionDefinition): Promise<{ functionArn: string; codeSha256: string }>;
  /** Deletes a function after its invocations in progress have ended. Succeeds if the function does not exist. */
  deleteFunction(functionArn: string): Promise<void>;
  addPermission(functionArn: string, statementId: string, statement: PolicyStatement): void;
  removePermission(functionArn: string, statementId: string): void;
  /**
   * Finds a function by its ARN, or by its name if the name exists in only one account and region.
   * @throws AwsError ResourceNotFoundException
   */
  function(nameOrArn: string): LambdaFunction;
  functionArns(): string[];
  all(): LambdaFunction[];
  clear(): void;
}

/** The options of the Lambda service that its functions need. */
export type FunctionRegistryOptions = Pick<FunctionHost, 'clock' | 'iam' | 'hostVariables'> &
  Partial<Pick<FunctionHost, 'idleMs' | 'initLimitMs' | 'onLog' | 'faults'>> & {
    /** The folder for unpacked code. */
    directory: string;
    /** Maximum number of simultaneous invocations of an account. The default is 10, as in a new AWS account. */
    accountConcurrency?: number;
  };

/** Maximum number of simultaneous invocations of a new account. */
export const DEFAULT_ACCOUNT_CONCURRENCY = 10;

export const createFunctionRegistry = (options: FunctionRegistryOptions): FunctionRegistry => {
  const functions = new Map<string, LambdaFunction>();
  const { accountConcurrency = DEFAULT_ACCOUNT_CONCURRENCY } = options;
  const host: FunctionHost = {
    clock: options.clock,
    iam: options.iam,
    hostVariables: options.hostVariables,
    accountHasRoom: (accountId) => busyInAccount(functions, accountId) < accountConcurrency,
    idleMs: options.idleMs ?? 300_000,
    initLimitMs: options.initLimitMs ?? 10_000,
    onLog: options.onLog ?? (() => undefined),
    faults: options.faults ?? { plan: undefined },
  };
  const find = (nameOrArn: string): LambdaFunction => findFunction(functions, nameOrArn);
  return {
    createFunction: async (definition) => {
      const version = await prepareVersion(options, definition);
      const { functionArn, functionName } = version.configuration;
      if (functions.has(functionArn)) {
        throw lambdaError('ResourceConflictException', `Function already exist: ${functionName}`);
      }
      functions.set(functionArn, createLambdaFunction(host, version));
      return { functionArn, codeSha256: version.codeSha256 };
    },
    updateFunction: async (definition) => {
      const version = await prepareVersion(options, definition);
      await find(version.configuration.functionArn).replaceVersion(version);
      return { functionArn: version.configuration.functionArn, codeSha256: version.codeSha256 };
    },
    deleteFunction: async (functionArn) => {
      const pool = functions.get(functionArn)?.pool();
      functions.delete(functionArn);
      await pool?.retire();
    },
    addPermission: (functionArn, statementId, statement) => {
      find(functionArn).permissions.set(statementId, statement);
    },
    removePermission: (functionArn, statementId) => {
      functions.get(functionArn)?.permissions.delete(statementId);
    },
    function: find,
    functionArns: () => [...functions.keys()],
    all: () => [...functions.values()],
    clear: () => functions.clear(),
  };
};

const prepareVersion = async (
  { iam, directory }: FunctionRegistryOptions,
  { accountId, region, properties, zipFile }: FunctionDefinition,
): Promise<FunctionVersion> => {
  const configuration = parseFunctionProperties({ accountId, region }, properties);
  checkRole(iam, configuration);
  const {
    directory: taskRoot,
    codeSha256,
    codeSizeBytes,
  } = await unpackCode(zipFile, join(directory, 'code'));
  return { configuration, taskRoot, codeSha256, codeSizeBytes };
};

const busyInAccount = (functions: Map<string, LambdaFunction>, accountId: string): number =>
  [...functions.values()]
    .filter((found) => found.configuration().accountId === accountId)
    .reduce((sum, found) => sum + found.pool().busy(), 0);

const findFunction = (functions: Map<string, LambdaFunction>, nameOrArn: string): LambdaFunction => {
  const arn = nameOrArn.replace(/:\$LATEST$/, '');
  const found =
    functions.get(arn) ?? [...functions.values()].find((each) => each.configuration().functionName === arn);
  if (!found) throw lambdaError('ResourceNotFoundException', `Function not found: ${nameOrArn}`);
  return found;
};
