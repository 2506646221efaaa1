import type { LambdaFunction } from './lambda-function.ts';

/**
 * Describes a function in the format of Lambda's API.
 * Source: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
 */
export const describeFunction = (found: LambdaFunction): Record<string, unknown> => {
  const configuration = found.configuration();
  return {
    FunctionName: configuration.functionName,
    FunctionArn: configuration.functionArn,
    Runtime: 'nodejs24.x',
    Role: configuration.roleArn,
    Handler: configuration.handler,
    CodeSize: found.codeSizeBytes(),
    CodeSha256: found.codeSha256(),
    Timeout: configuration.timeoutMs / 1000,
    MemorySize: configuration.memorySizeMb,
    LastModified: new Date(found.modifiedAtMs()).toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
    Environment: { Variables: configuration.variables },
    PackageType: 'Zip',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    LoggingConfig: { LogFormat: 'Text', LogGroup: configuration.logGroupName },
  };
};
