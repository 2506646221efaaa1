import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock, type AdjustableClock } from '../../src/core/clock.ts';
import type { PolicyDocument } from '../../src/core/access.ts';
import { createIam, type Iam } from '../../src/iam/iam.ts';
import { createLambda, type Lambda, type LambdaOptions } from '../../src/lambda/lambda.ts';
import type { LogLine } from '../../src/lambda/log-sink.ts';
import { createFakeQueue } from './fake-queue.ts';
import { makeZip } from './make-zip.ts';

export const ACCOUNT_ID = '111111111111';
export const REGION = 'eu-central-1';
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT_ID}:role/function-role`;

/** How long a test waits for a condition, because test machines may be slow and busy. */
export const PATIENCE = { timeout: 20_000 };

export interface LambdaFixture {
  lambda: Lambda;
  iam: Iam;
  clock: AdjustableClock;
  lines: LogLine[];
  /**
   * Deploys `code` as a function with this name and returns its ARN. The code is CommonJS and sets
   * `exports.handler`.
   */
  deploy(name: string, code: string, properties?: Record<string, unknown>): Promise<string>;
  zip(code: string): Promise<string>;
  putRole(policies: PolicyDocument[]): void;
  close(): Promise<void>;
}

export const LOGS_POLICY: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: `arn:aws:logs:${REGION}:${ACCOUNT_ID}:log-group:/aws/lambda/*:*`,
    },
  ],
};

const TRUST_IN_LAMBDA: PolicyDocument = {
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
};

/** Starts a Lambda service with one role. Functions can assume the role and may write logs with it. */
export const startLambdaFixture = async (
  options: Partial<LambdaOptions> & { clock?: AdjustableClock } = {},
): Promise<LambdaFixture> => {
  const directory = await mkdtemp(join(tmpdir(), 'lambda-test-'));
  const { clock = createClock() } = options;
  const iam = createIam({ clock });
  const lines: LogLine[] = [];
  const lambda = createLambda({
    directory,
    clock,
    iam,
    queues: createFakeQueue(),
    hostVariables: () => ({ AWS_ENDPOINT_URL: 'https://127.0.0.1:1' }),
    onLog: (line) => lines.push(line),
    ...options,
  });
  const putRole = (policies: PolicyDocument[]): void => {
    iam.putRole({
      accountId: ACCOUNT_ID,
      roleName: 'function-role',
      assumeRolePolicy: TRUST_IN_LAMBDA,
      policies,
    });
  };
  putRole([LOGS_POLICY]);
  let zips = 0;
  const zip = (code: string): Promise<string> => {
    zips += 1;
    return makeZip(join(directory, `code-${zips}.zip`), { 'src/index.js': code });
  };
  return {
    lambda,
    iam,
    clock,
    lines,
    zip,
    putRole,
    deploy: async (name, code, properties = {}) => {
      const created = await lambda.createFunction({
        accountId: ACCOUNT_ID,
        region: REGION,
        zipFile: await zip(code),
        properties: {
          FunctionName: name,
          Handler: 'src/index.handler',
          Runtime: 'nodejs24.x',
          Role: ROLE_ARN,
          // On a test machine that stalls, Lambda's default timeout of three seconds would be too short.
          Timeout: 20,
          ...properties,
        },
      });
      return created.functionArn;
    },
    close: async () => {
      await lambda.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
