import { randomUUID } from 'node:crypto';
import type { Credentials } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { FunctionConfiguration } from './function-configuration.ts';

export interface EnvironmentHost {
  configuration: FunctionConfiguration;
  /** The folder of the unpacked code. */
  taskRoot: string;
  clock: Clock;
  /** Returns additional variables: the endpoints and certificates of the local AWS. */
  hostVariables(): Record<string, string>;
}

/**
 * Returns the environment variables of a function's process: the function's own and those that Lambda sets, but not those of this process.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export const environmentVariables = (
  { configuration, taskRoot, clock, hostVariables }: EnvironmentHost,
  credentials: Credentials,
): Record<string, string> => {
  return {
    ...hostVariables(),
    LANG: 'en_US.UTF-8',
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    TZ: ':UTC',
    NODE_PATH: `/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules`,
    ...configuration.variables,
    _HANDLER: configuration.handler,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
    AWS_REGION: configuration.region,
    AWS_DEFAULT_REGION: configuration.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: configuration.functionName,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memorySizeMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: configuration.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: `${new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
  };
};
