/** What a stack contains for buckets that are reached with an access key. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { destination, file, rule } from '../configuration/yaml.ts';

const SECRET = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:minio-AbCdEf';
const OTHER = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:ceph-AbCdEf';

const minio = {
  bucket: 'replica-bucket',
  region: 'us-east-1',
  endpoint: 'https://minio.example.com',
  secretArn: SECRET,
};
const ceph = { bucket: 'old-bucket', events: 'none', endpoint: 'https://ceph.example.com', secretArn: OTHER };

const policiesOf = (text: string, role: string) => {
  const { Resources } = stackOf(parseConfiguration(text)).resources;
  const statements = JSON.parse(JSON.stringify(Resources[role]?.Properties?.['Policies']))[0].PolicyDocument
    .Statement;
  return new Map<string, { Action: unknown; Resource: unknown }>(
    statements.map((each: { Sid: string }) => [each.Sid, each]),
  );
};

test.each(['ReplicateRole', 'BackfillRole', 'BatchRole'])(
  '%s may read the secrets of the rules and nothing else of Secrets Manager',
  (role) => {
    const text = file([
      rule('a', { bucket: 'source-bucket' }, [minio]),
      rule('b', ceph, [destination('copy-bucket')]),
    ]);
    const policies = policiesOf(text, role);
    expect(policies.get('AccessKeys')).toMatchObject({
      Action: 'secretsmanager:GetSecretValue',
      Resource: [OTHER, SECRET],
    });
    expect(JSON.stringify([...policies.values()])).not.toContain('old-bucket');
  },
);

test('a stack without secrets has no permission on them, and one without roles cannot assume any', () => {
  const plain = policiesOf(
    file([rule('a', { bucket: 'source-bucket' }, [destination('copy-bucket')])]),
    'ReplicateRole',
  );
  expect(plain.has('AccessKeys')).toBe(false);
  expect(plain.has('ReplicationRoles')).toBe(true);
  const foreign = policiesOf(file([rule('a', { bucket: 'source-bucket' }, [minio])]), 'ReplicateRole');
  expect(foreign.has('ReplicationRoles')).toBe(false);
});

test('a source of another service is not subscribed', () => {
  const { Resources } = stackOf(
    parseConfiguration(file([rule('b', ceph, [destination('copy-bucket')])])),
  ).resources;
  expect(JSON.stringify(Resources)).not.toContain('s3:::old-bucket');
  expect(Object.values(Resources).map(({ Type }) => Type)).not.toContain(
    'AWS::CloudFormation::CustomResource',
  );
});
