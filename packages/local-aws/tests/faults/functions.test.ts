import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLocalAws, type LocalAws } from '../../src/start/local-aws.ts';
import type { FaultPlan } from '../../src/core/fault.ts';
import { createFaultPlan, type RuledFaultPlan } from '../../src/faults/fault-plan.ts';
import type { FaultRule } from '../../src/faults/fault-rule.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeZip } from '../lambda/make-zip.ts';

const ACCOUNT = '111111111111';

let aws: LocalAws;
let folder: string;
beforeEach(async () => {
  aws = await startLocalAws();
  folder = await mkdtemp(join(tmpdir(), 'faults-test-'));
});
afterEach(async () => {
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Code of a function that sends unsigned requests. They have the User-Agent that an SDK would derive from the
 * function's environment.
 */
const ASKING = `
  const { request } = require('node:http');
  const ask = (url, path) => new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'aws-sdk-js/3 app/' + process.env.AWS_SDK_UA_APP_ID };
    request(url + path, { method: 'PUT', headers }, (answer) => {
      answer.resume().on('end', resolve);
    }).on('error', reject).end('body');
  });
  exports.handler = async ({ url, paths, pauseMs = 0 }) => {
    for (const path of paths) await ask(url, path);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return process.pid;
  };`;

const deploy = async (): Promise<void> => {
  aws.iam.putRole({
    accountId: ACCOUNT,
    roleName: 'role',
    assumeRolePolicy: {
      Statement: {
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      },
    },
    policies: [],
  });
  await aws.lambda.createFunction({
    accountId: ACCOUNT,
    region: aws.region,
    zipFile: await makeZip(join(folder, 'code.zip'), { 'index.js': ASKING }),
    properties: {
      FunctionName: 'asking',
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Role: `arn:aws:iam::${ACCOUNT}:role/role`,
      Timeout: 30,
    },
  });
  aws.s3.createBucket({ name: 'open', accountId: ACCOUNT, region: aws.region });
  aws.s3.updateBucket('open', { PublicAccessBlockConfiguration: {} });
  aws.s3.setBucketPolicy('open', {
    Statement: { Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: 'arn:aws:s3:::open/*' },
  });
};

const invoke = (paths: string[], pauseMs = 0) =>
  aws.lambda.invoke('asking', { url: aws.httpEndpoint, paths, pauseMs });

/** Installs the fault rules. Returns their plan, and the paths of all requests that reached the plan. */
const install = (...rules: FaultRule[]): { plan: RuledFaultPlan; asked: string[] } => {
  const plan = createFaultPlan({ rules, clock: aws.clock });
  const asked: string[] = [];
  const watching: FaultPlan = Object.assign((request: Parameters<FaultPlan>[0]) => {
    asked.push(request.path);
    return plan(request);
  }, plan);
  aws.faults.plan = watching;
  return { plan, asked };
};

test.each(['before', 'after'] as const)(
  'a fault kills a function %s the effect of its n-th request',
  async (when) => {
    await deploy();
    const { plan, asked } = install({
      operation: 's3:*',
      bucket: 'open',
      after: 1,
      times: 1,
      fault: { kind: 'kill-function', when },
    });
    const { functionError, payload } = await invoke(['/open/1', '/open/2', '/open/3']);
    expect(functionError).toBe('Unhandled');
    expect(payload).toContain('signal: killed');
    expect(asked).toEqual(['/open/1', '/open/2']);
    expect(plan.count('kill-function')).toBe(1);
    expect((await invoke(['/open/3'])).functionError).toBeNull();
  },
);

test('killing one invocation does not harm another one of the same function', async () => {
  await deploy();
  install({ operation: 's3:PutObject', key: 'fatal', fault: { kind: 'kill-function', when: 'before' } });
  const [fatal, harmless] = await Promise.all([invoke(['/open/fatal']), invoke(['/open/harmless'], 500)]);
  expect(fatal.functionError).toBe('Unhandled');
  expect(harmless.functionError).toBeNull();
});

test('a fault kills an invocation some time after its start, and the next one runs in another process', async () => {
  await deploy();
  const { plan } = install({
    function: 'asking',
    times: 1,
    fault: { kind: 'kill-invocation', afterMs: 20 },
  });
  expect((await invoke([], 20_000)).payload).toContain('signal: killed');
  expect((await invoke([])).functionError).toBeNull();
  expect(plan.injected()).toMatchObject([{ what: 'invocation', subject: 'asking' }]);
});

test('a fault makes an invocation time out before its deadline', async () => {
  await deploy();
  install({ function: '*', times: 1, fault: { kind: 'time-out-invocation', afterMs: 20 } });
  const { payload } = await invoke([], 20_000);
  expect(JSON.parse(payload)).toMatchObject({
    errorMessage: expect.stringContaining('Task timed out after 30.00'),
  });
});
