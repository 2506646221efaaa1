/** Before it starts a run to another S3 service, the command probes that service. */
import { expect, test } from 'vitest';
import type { RunPorts } from '../../src/cli/runs/run-ports.ts';
import { answersOf, type ServiceAnswer } from '../../src/lib/model/service-answers.ts';
import { createRunCommands } from './run-commands.ts';

const FOREIGN = `  - id: foreign
    source:
      bucket: source
    destinations:
      - bucket: elsewhere
        region: us-east-1
        endpoint: https://minio.example.com
        secretArn: arn:aws:secretsmanager:us-east-1:111111111111:secret:other-abcdef
`;
const START = ['backfill', 'start', '--rule', 'foreign', '--yes', '--estimate', 'none'];

const answering =
  (creates: ServiceAnswer): RunPorts['probe'] =>
  async (_deployment, rules) => ({
    kind: 'answer',
    value: rules.map((rule) => ({
      rule,
      destination: 'elsewhere',
      trust: null,
      secret: { permission: 'secretsmanager:GetSecretValue', answer: 'allowed', detail: '' },
      bucket: null,
      service: {
        answers: answersOf((question) => (question === 'creates' ? creates : 'yes')),
        isVersioned: false,
        askedMs: 0,
        left: [],
      },
      source: [],
      steps: [],
    })),
  });

const commandsWith = (probe: RunPorts['probe']) =>
  createRunCommands({ source: {}, replica: {} }, { rule: FOREIGN, probe });

test('a backfill to a service that ignores conditions is refused, and says which setting allows it', async () => {
  using commands = commandsWith(answering('no'));
  expect(await commands.cli(START)).toMatchObject({
    code: 1,
    err: expect.stringContaining('With `conditionalWrites: none` it can be written all the same'),
  });
  expect(commands.world.store.runs.size).toBe(0);
});

test('a backfill to a fit service begins, and one to a service that nobody may ask begins with a note', async () => {
  using fit = commandsWith(answering('yes'));
  expect(await fit.cli(START)).toMatchObject({
    code: 0,
    err: expect.not.stringContaining('could not be asked'),
  });
  using denied = commandsWith(async () => ({
    kind: 'denied',
    permission: 'lambda:InvokeFunction',
    message: '',
  }));
  expect(await denied.cli(START)).toMatchObject({
    code: 0,
    err: expect.stringContaining('could not be asked what it does (you may not lambda:InvokeFunction)'),
  });
});

test('a verify only reads, so nobody is asked', async () => {
  using commands = commandsWith(answering('no'));
  const { code } = await commands.cli([
    'verify',
    'start',
    '--rule',
    'foreign',
    '--yes',
    '--estimate',
    'none',
  ]);
  expect(code).toBe(0);
});
