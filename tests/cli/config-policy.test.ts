import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { destination, file, ROLE, rule } from '../configuration/yaml.ts';
import { run } from './run.ts';

const OTHER_ROLE = 'arn:aws:iam::333333333333:role/replica';
const KEY = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-1111-1111-111111111111';
const READ = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectTagging', 's3:GetObjectVersionTagging'];

const ROOT = ROLE.replace(/:role.*/, ':root');

const only = (...roleArns: string[]) => ({ ArnEquals: { 'aws:PrincipalArn': roleArns } });

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 's3-replicator-policy-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const policy = async (rules: ReturnType<typeof rule>[], ...options: string[]) => {
  await writeFile(join(cwd, 'replication.yml'), file(rules));
  return run(['config', 'policy', ...options], { cwd });
};

const policyAsData = async (rules: ReturnType<typeof rule>[], ...options: string[]): Promise<unknown> =>
  JSON.parse((await policy(rules, '--json', ...options)).out);

test('config policy grants a bucket and its KMS key to the role that writes the replicas', async () => {
  const rules = [rule('only', { bucket: 'source-bucket', kmsKeyArn: KEY }, [destination('replica-bucket')])];
  expect(await policyAsData(rules)).toEqual({
    buckets: [
      {
        bucket: 'source-bucket',
        statements: [
          {
            Sid: 'S3ReplicatorCopies',
            Effect: 'Allow',
            Principal: { AWS: [ROOT] },
            Condition: only(ROLE),
            Action: READ,
            Resource: ['arn:aws:s3:::source-bucket/*'],
          },
        ],
      },
    ],
    keys: [
      {
        keyArn: KEY,
        statement: {
          Sid: 'S3ReplicatorDecrypts',
          Effect: 'Allow',
          Principal: { AWS: [ROOT] },
          Action: 'kms:Decrypt',
          Resource: '*',
          Condition: { ...only(ROLE), StringLike: { 'kms:ViaService': 's3.us-east-1.*' } },
        },
      },
    ],
    destinations: [
      {
        roleArn: ROLE,
        buckets: ['replica-bucket'],
        parameters: { SourceBucketName: 'source-bucket', SourceKmsKeyArn: KEY },
      },
    ],
    streamed: [],
  });
});

test('config policy grants each role the prefixes of its own rules, and roles with the same prefixes share a statement', async () => {
  const [first, second] = [destination('replica-1'), destination('replica-2', { roleArn: OTHER_ROLE })];
  const rules = [
    rule('both', { bucket: 'source-bucket', prefix: 'in/' }, [first, second]),
    rule('within', { bucket: 'source-bucket', prefix: 'in/deep/', suffix: '.pdf' }, [
      destination('replica-3'),
    ]),
    rule('wild', { bucket: 'source-bucket', prefix: 'a*b/' }, [second]),
  ];
  expect(await policyAsData(rules)).toMatchObject({
    buckets: [
      {
        statements: [
          { Condition: only(ROLE), Resource: ['arn:aws:s3:::source-bucket/in/*'] },
          {
            Sid: 'S3ReplicatorCopies2',
            Principal: { AWS: ['arn:aws:iam::333333333333:root'] },
            Condition: only(OTHER_ROLE),
            // The prefix `a*b/` is cut off at its star, because a star is a wildcard in a policy.
            Resource: ['arn:aws:s3:::source-bucket/a*', 'arn:aws:s3:::source-bucket/in/*'],
          },
        ],
      },
    ],
  });
  expect(await policyAsData(rules.slice(0, 1))).toMatchObject({
    buckets: [{ statements: [{ Condition: only(ROLE, OTHER_ROLE) }] }],
  });
});

test('config policy prints the third accounts that own source buckets as a parameter', async () => {
  const rules = [
    rule('one', { bucket: 'source-one', account: '333333333333' }, [destination('replica-one')]),
    rule('two', { bucket: 'source-two' }, [destination('replica-two')]),
  ];
  expect(await policyAsData(rules)).toMatchObject({
    destinations: [{ parameters: { SourceBucketAccount: '333333333333' } }],
  });
});

test('config policy prints all sources of a role as parameters', async () => {
  const rules = ['one', 'two'].map((name) =>
    rule(name, { bucket: `source-${name}` }, [destination(`replica-${name}`)]),
  );
  expect(await policyAsData(rules)).toMatchObject({
    destinations: [
      {
        buckets: ['replica-one', 'replica-two'],
        parameters: { SourceBucketName: 'source-one,source-two', SourceKmsKeyArn: '' },
      },
    ],
  });
});

test('config policy grants nothing for rules whose bytes the function moves', async () => {
  const rules = [
    rule('through', { bucket: 'source-bucket', kmsKeyArn: KEY }, [destination('replica-1')], {
      copy: 'stream',
    }),
    rule('lent', { bucket: 'other-bucket', roleArn: OTHER_ROLE }, [destination('replica-2')]),
  ];
  expect(await policyAsData(rules)).toEqual({
    buckets: [],
    keys: [],
    destinations: [],
    streamed: ['through', 'lent'],
  });
  expect((await policy(rules)).out).toBe(
    'Nothing is needed for through, lent: the function moves the bytes.\n',
  );
  const told = rule('lent', { bucket: 'other-bucket', roleArn: OTHER_ROLE }, [destination('replica-2')], {
    copy: 'server-side',
  });
  expect(await policyAsData([told])).toMatchObject({ buckets: [{ bucket: 'other-bucket' }], streamed: [] });
});

test('config policy prints ARNs of the partition of the region', async () => {
  const roleArn = 'arn:aws-cn:iam::222222222222:role/replica';
  const rules = [
    rule('china', { bucket: 'source-bucket' }, [
      destination('replica-bucket', { roleArn, region: 'cn-north-1' }),
    ]),
  ];
  expect(await policyAsData(rules, '--region', 'cn-northwest-1')).toMatchObject({
    buckets: [{ statements: [{ Resource: ['arn:aws-cn:s3:::source-bucket/*'] }] }],
  });
});

test('config policy prints each statement ready to paste, under a line that names its policy', async () => {
  const rules = [
    rule('first', { bucket: 'source-1', kmsKeyArn: KEY }, [destination('replica-1')]),
    rule('second', { bucket: 'source-2' }, [destination('replica-2')]),
  ];
  const { code, out } = await policy(rules, '--rule', 'first');
  expect(code).toBe(0);
  expect(out).not.toContain('source-2');
  expect(out).toContain(`SourceBucketName=source-1 SourceKmsKeyArn=${KEY}`);
  const blocks = [...out.matchAll(/^# Source account, (\S+) (\S+): .*\n(\{[^]*?^\})$/gm)];
  expect(blocks.map(([, kind, name, text]) => [kind, name, JSON.parse(text ?? '').Sid])).toEqual([
    ['bucket', 'source-1', 'S3ReplicatorCopies'],
    ['key', KEY, 'S3ReplicatorDecrypts'],
  ]);
});

test('config policy refuses an unknown rule and a broken file', async () => {
  const rules = [rule('only', { bucket: 'source-bucket' }, [destination('replica-bucket')])];
  expect(await policy(rules, '--rule', 'onyl')).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no rule "onyl"'),
  });
  expect(await policy([])).toMatchObject({ code: 1, err: expect.stringContaining('at least one rule') });
});
