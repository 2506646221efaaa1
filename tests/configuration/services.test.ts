/** Buckets that are reached with an access key: other S3 services, and other partitions. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { file, problemsOf, rule, summaries } from './yaml.ts';

const SECRET = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:minio-AbCdEf';

type Options = Record<string, unknown>;

const minio = (more: Options = {}): Options => ({
  bucket: 'replica-bucket',
  region: 'us-east-1',
  endpoint: 'https://minio.example.com:9000',
  secretArn: SECRET,
  ...more,
});

const fileTo = (destination: Options, more: Options = {}, source: Options = {}): string =>
  file([rule('only', { bucket: 'source-bucket', ...source }, [destination], more)]);

test.each([
  [
    'MinIO',
    minio(),
    { endpoint: 'https://minio.example.com:9000', addressing: 'path', secretArn: SECRET },
    'us-east-1',
  ],
  [
    'R2',
    minio({ endpoint: 'https://0a1b.r2.cloudflarestorage.com', region: 'auto' }),
    { endpoint: 'https://0a1b.r2.cloudflarestorage.com', addressing: 'path', secretArn: SECRET },
    'auto',
  ],
  [
    'another partition',
    minio({ endpoint: undefined, region: 'cn-north-1' }),
    { endpoint: null, addressing: 'virtual', secretArn: SECRET },
    'cn-north-1',
  ],
])('a destination at %s needs a secret instead of a role', (_, options, service, region) => {
  const [found] = parseConfiguration(fileTo(options)).replication.rules[0]?.destinations ?? [];
  expect(found).toMatchObject({
    roleArn: null,
    externalId: null,
    account: null,
    service,
    region,
    conditionalWrites: 'required',
  });
});

test('a source at another service is read by runs only', () => {
  const { rules } = parseConfiguration(
    fileTo(minio(), {}, { events: 'none', secretArn: SECRET, endpoint: 'https://ceph.example.com' }),
  ).replication;
  expect(rules[0]?.source).toMatchObject({
    events: 'none',
    region: 'us-east-1',
    service: { endpoint: 'https://ceph.example.com', addressing: 'path', secretArn: SECRET },
  });
});

test.each<[string, Options, string]>([
  ['without TLS', { endpoint: 'http://minio.example.com' }, 'endpoint'],
  ['with a bucket in its path', { endpoint: 'https://minio.example.com/bucket' }, 'endpoint'],
  ['with a password', { endpoint: 'https://me:secret@minio.example.com' }, 'endpoint'],
  ['that is no URL', { endpoint: 'minio.example.com' }, 'endpoint'],
  ['of another protocol', { endpoint: 'ftp://minio.example.com' }, 'endpoint'],
  [
    'before whose address no bucket can stand',
    { endpoint: 'https://10.0.0.1', addressing: 'virtual' },
    'addressing',
  ],
])('an endpoint %s is refused', (_, options, at) => {
  expect(problemsOf(fileTo(minio(options))).map(({ path }) => path)).toEqual([
    `rules[0].destinations[0].${at}`,
  ]);
});

test.each([
  { endpoint: 'http://127.0.0.1:9000' },
  { endpoint: 'http://localhost:9000' },
  { endpoint: 'http://minio.internal', insecureHttp: true },
])('%o may be without TLS', (options) => {
  expect(problemsOf(fileTo(minio(options)))).toEqual([]);
});

test.each<[string, Options, Options, string]>([
  ['a role', { roleArn: 'arn:aws:iam::222222222222:role/replica' }, {}, 'roleArn: a role beside a secret'],
  ['an external id', { externalId: 'shared' }, {}, 'externalId: a role beside a secret'],
  ['a KMS encryption', { encryption: 'aws:kms' }, {}, 'encryption: a KMS key beside an endpoint'],
  ['copies inside S3', {}, { copy: 'server-side' }, 'secretArn: another service'],
  ['grants', {}, { acl: 'replicate' }, 'secretArn: another service'],
  [
    'a secret of another partition',
    { secretArn: SECRET.replace('arn:aws:', 'arn:aws-cn:') },
    {},
    'secretArn: a secret in aws-cn',
  ],
  ['neither an endpoint nor a region of AWS', { endpoint: undefined, region: 'auto' }, {}, 'region: "auto"'],
])('%s has no meaning at another service', (_, options, more, text) => {
  expect(summaries(fileTo(minio(options), more)).join('\n')).toContain(`rules[0].destinations[0].${text}`);
});

test.each<[string, Options]>([
  ['endpoint', { endpoint: 'https://minio.example.com' }],
  ['addressing', { addressing: 'path' }],
  ['conditionalWrites', { conditionalWrites: 'none' }],
])('%s has a meaning only beside a secret', (name, options) => {
  const role = { roleArn: 'arn:aws:iam::222222222222:role/replica', externalId: 'shared-id' };
  const destination = { bucket: 'replica-bucket', region: 'us-east-1', ...role, ...options };
  expect(problemsOf(fileTo(destination)).map(({ path }) => path)).toEqual([
    `rules[0].destinations[0].${name}`,
  ]);
});

test.each<[string, Options]>([
  ['events', { secretArn: SECRET, endpoint: 'https://ceph.example.com' }],
  ['events', { events: 'none' }],
  ['region', { region: 'eu-west-1' }],
  [
    'roleArn',
    {
      roleArn: 'arn:aws:iam::111111111111:role/read',
      secretArn: SECRET,
      region: 'cn-north-1',
      events: 'none',
    },
  ],
  [
    'kmsKeyArn',
    {
      kmsKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/12345678-1234-1234-1234-123456789012',
      secretArn: SECRET,
      region: 'cn-north-1',
      events: 'none',
    },
  ],
])('the option %s of a source is refused with %o', (name, source) => {
  expect(problemsOf(fileTo(minio(), {}, source)).map(({ path }) => path)).toContain(
    `rules[0].source.${name}`,
  );
});

test('a bucket of the same name at another service is another bucket: no loop, and no collision', () => {
  const back = rule('back', { bucket: 'replica-bucket' }, [minio({ bucket: 'source-bucket' })], {
    replicas: 'replicate',
  });
  const there = rule('there', { bucket: 'source-bucket' }, [minio()], { replicas: 'replicate' });
  expect(problemsOf(file([there, back]))).toEqual([]);
  const twice = minio({ id: 'second', endpoint: 'https://ceph.example.com' });
  expect(problemsOf(file([rule('a', { bucket: 'source-bucket' }, [minio(), twice])]))).toEqual([]);
  const same = minio({ id: 'second' });
  expect(summaries(file([rule('a', { bucket: 'source-bucket' }, [minio(), same])])).join()).toContain(
    'replicas under the same keys',
  );
});
