import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalAws, type LocalAws, type LocalAwsOptions } from '../../src/start/local-aws.ts';
import type { Stack } from '../../src/cloudformation/stack.ts';
import { makeZip } from '../lambda/make-zip.ts';

export const ACCOUNT_ID = '111111111111';
export const REGION = 'eu-central-1';
const STACK = { accountId: ACCOUNT_ID, region: REGION, stackName: 'test' };

/** How long a test waits for a condition, because test machines may be slow and busy. */
export const PATIENCE = { timeout: 20_000 };

export interface AwsFixture {
  aws: LocalAws;
  lines: string[];
  /**
   * Writes `<name>.zip`, which contains this code as the CommonJS file `index.js`. Templates name the zip as
   * an S3 key.
   */
  artifact(name: string, code: string): Promise<string>;
  deploy(resources: object, more?: object, parameters?: Record<string, string>): Promise<Stack>;
  remove(): Promise<void>;
  stack(): Stack | null;
  close(): Promise<void>;
}

/** Starts a local AWS with an empty folder for zips. The fixture deploys the stack `test`. */
export const startAwsFixture = async (options: LocalAwsOptions = {}): Promise<AwsFixture> => {
  const artifacts = await mkdtemp(join(tmpdir(), 'artifacts-'));
  const lines: string[] = [];
  const aws = await startLocalAws({ region: REGION, onLog: ({ line }) => lines.push(line), ...options });
  return {
    aws,
    lines,
    artifact: (name, code) => makeZip(join(artifacts, `${name}.zip`), { 'index.js': code }),
    deploy: (resources, more = {}, parameters = {}) =>
      aws.cloudformation.deploy({
        ...STACK,
        template: JSON.stringify({ Resources: resources, ...more }),
        parameters,
        artifacts,
      }),
    remove: () => aws.cloudformation.remove(STACK),
    stack: () => aws.cloudformation.describe(STACK),
    close: async () => {
      await aws.stop();
      await rm(artifacts, { recursive: true, force: true });
    },
  };
};

/** Returns a role that functions can assume. The role may write logs and do what the statements allow. */
export const functionRole = (statements: object[] = [], properties: object = {}): object => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
    ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'],
    Policies:
      statements.length === 0
        ? []
        : [{ PolicyName: 'own', PolicyDocument: { Version: '2012-10-17', Statement: statements } }],
    ...properties,
  },
});

/** Returns a function with the code in `<artifact>.zip` and the role `Role`. */
export const lambdaFunction = (artifact: string, properties: object = {}): object => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Code: { S3Bucket: 'deployment', S3Key: `serverless/test/prod/123/${artifact}.zip` },
    ...properties,
  },
});
