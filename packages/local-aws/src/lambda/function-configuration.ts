import { z } from 'zod';
import type { AwsError } from '../front/aws-error.ts';
import { lambdaError } from './lambda-error.ts';
import type { RecursiveLoop } from './lineage.ts';

/** The configuration of a function. */
export interface FunctionConfiguration {
  functionName: string;
  functionArn: string;
  accountId: string;
  region: string;
  handler: string;
  roleArn: string;
  memorySizeMb: number;
  timeoutMs: number;
  ephemeralStorageMb: number;
  variables: Record<string, string>;
  /** The reserved concurrency; null if only the account's concurrency limits the function. */
  reservedConcurrency: number | null;
  recursiveLoop: RecursiveLoop;
  logGroupName: string;
}

const integer = z.coerce.number().int();
/** A property that is accepted and ignored, because it would not change the behaviour of the local Lambda. */
const inert = z.unknown().optional();

/**
 * The properties of AWS::Lambda::Function, except Code. Any other property is an error, so that no property is silently ignored.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
 */
const functionProperties = z.strictObject({
  FunctionName: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  Handler: z.string().regex(/^[^\s]{1,128}$/),
  Runtime: z.literal('nodejs24.x'),
  Role: z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/),
  MemorySize: integer.min(128).max(10_240).default(128),
  Timeout: integer.min(1).max(900).default(3),
  Environment: z
    .strictObject({
      Variables: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)),
    })
    .optional(),
  ReservedConcurrentExecutions: integer.min(0).optional(),
  LoggingConfig: z
    .strictObject({ LogGroup: z.string().optional(), LogFormat: z.literal('Text').optional() })
    .optional(),
  PackageType: z.literal('Zip').optional(),
  RecursiveLoop: z.enum(['Allow', 'Terminate']).default('Terminate'),
  TracingConfig: z.strictObject({ Mode: z.literal('PassThrough') }).optional(),
  Architectures: inert,
  Description: inert,
  EphemeralStorage: z.strictObject({ Size: integer.min(512).max(10_240) }).optional(),
  KmsKeyArn: inert,
  RuntimeManagementConfig: inert,
  Tags: inert,
});

const RESERVED_VARIABLES = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
]);
const LARGEST_ENVIRONMENT_BYTES = 4096;

/**
 * Reads the resolved properties of an AWS::Lambda::Function, except its Code.
 * @throws AwsError InvalidParameterValueException for properties that Lambda would reject or that the local Lambda does not support
 */
export const parseFunctionProperties = (
  owner: { accountId: string; region: string },
  properties: Record<string, unknown>,
): FunctionConfiguration => {
  const parsed = functionProperties.safeParse(properties);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const given = parsed.data;
  const variables = given.Environment?.Variables ?? {};
  checkVariables(variables);
  return {
    functionName: given.FunctionName,
    functionArn: `arn:aws:lambda:${owner.region}:${owner.accountId}:function:${given.FunctionName}`,
    ...owner,
    handler: given.Handler,
    roleArn: given.Role,
    memorySizeMb: given.MemorySize,
    timeoutMs: given.Timeout * 1000,
    ephemeralStorageMb: given.EphemeralStorage?.Size ?? 512,
    variables,
    reservedConcurrency: given.ReservedConcurrentExecutions ?? null,
    recursiveLoop: given.RecursiveLoop,
    logGroupName: given.LoggingConfig?.LogGroup ?? `/aws/lambda/${given.FunctionName}`,
  };
};

const checkVariables = (variables: Record<string, string>): void => {
  const reserved = Object.keys(variables).filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0) {
    throw invalid(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  const illegal = Object.keys(variables).filter((name) => !/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name));
  if (illegal.length > 0) throw invalid(`illegal names of environment variables: ${illegal.join(', ')}`);
  if (Buffer.byteLength(JSON.stringify(variables)) > LARGEST_ENVIRONMENT_BYTES) {
    throw invalid(
      'Lambda was unable to configure your environment variables because they exceed the 4KB limit',
    );
  }
};

const invalid = (message: string): AwsError => lambdaError('InvalidParameterValueException', message);
