import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

const run = (...options: string[]) => {
  const child = spawn(process.execPath, [MAIN, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.on('data', (text) => errors.push(String(text)));
  return { child, errors, exit: new Promise<number | null>((resolve) => child.once('close', resolve)) };
};

const variables = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(AWS_\w+)=(\S+)/g)].map((match) => [match[1] ?? '', match[2] ?? '']));

test('the local AWS command prints what a client needs, serves requests, and cleans up on Ctrl-C', async () => {
  const { child, exit } = run('--account', '333333333333');
  const printed = await new Promise<string>((resolve) => {
    child.stdout.once('data', (text) => resolve(String(text)));
  });
  const {
    AWS_ENDPOINT_URL,
    AWS_CA_BUNDLE = '',
    AWS_ACCESS_KEY_ID = '',
    AWS_SECRET_ACCESS_KEY = '',
  } = variables(printed.replace(/^# without TLS.*$/m, ''));
  expect(AWS_ENDPOINT_URL).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const endpoint = /without TLS: AWS_ENDPOINT_URL=(\S+)/.exec(printed)?.[1] ?? '';
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  const sts = new STSClient({ endpoint, credentials, region: 'eu-central-1' });
  expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: '333333333333' });
  expect(existsSync(AWS_CA_BUNDLE)).toBe(true);
  child.kill('SIGINT');
  expect(await exit).toBe(0);
  expect(existsSync(AWS_CA_BUNDLE)).toBe(false);
});

test.each([
  [['--account', '5'], /an account id has 12 digits[\s\S]*Usage:/],
  [['--port', 'x'], /a port is a number/],
  [['--surprise'], /--surprise[\s\S]*Usage:/],
])(
  'the local AWS command refuses the arguments %j with exit code 2 and its usage',
  async (options, message) => {
    const { exit, errors } = run(...options);
    expect(await exit).toBe(2);
    expect(errors.join('')).toMatch(message);
  },
);
