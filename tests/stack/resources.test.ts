/** Corners of the generated resources, without packaging. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import type { Resources } from '../../src/stack/cloudformation.ts';
import { destination, file, fileWith, rule } from '../configuration/yaml.ts';

const resourcesOf = (text: string): Resources => stackOf(parseConfiguration(text)).resources.Resources;

const only = (resources: Resources, type: string): Record<string, unknown> => {
  const found = Object.values(resources).filter(({ Type }) => Type === type);
  expect(found).toHaveLength(1);
  return found[0]?.Properties ?? {};
};

const keysOf = (source: Record<string, string>): unknown => {
  const eventRule = only(
    resourcesOf(fileWith({ source: { events: 'eventbridge', ...source } })),
    'AWS::Events::Rule',
  );
  const pattern = JSON.parse(JSON.stringify(eventRule['EventPattern']));
  return pattern.detail.object?.key;
};

test.each([
  [{}, undefined],
  [{ prefix: 'a/' }, [{ prefix: 'a/' }]],
  [{ suffix: '.jpg' }, [{ suffix: '.jpg' }]],
  [{ prefix: 'a/', suffix: '.jpg' }, [{ wildcard: 'a/*.jpg' }]],
  // `a-b` begins with `a-` and ends with `-b`, which the wildcard does not see.
  [{ prefix: 'a-', suffix: '-b' }, [{ wildcard: 'a-*-b' }, 'a-b']],
  [{ prefix: 'aa', suffix: 'aa' }, [{ wildcard: 'aa*aa' }, 'aaa', 'aa']],
  [{ prefix: 'a*/', suffix: '\\b' }, [{ wildcard: 'a\\*/*\\\\b' }]],
])('EventBridge is asked for the keys of %j', (source, keys) => {
  expect(keysOf(source)).toEqual(keys);
});

test('a pattern longer than EventBridge takes asks for all keys: the function filters', () => {
  const rules = Array.from({ length: 30 }, (_, index) =>
    rule(
      `rule-${index}`,
      { bucket: 'source-1', events: 'eventbridge', prefix: `${'x'.repeat(80)}${index}/` },
      [destination(`replica-${index}`)],
    ),
  );
  const pattern = JSON.stringify(only(resourcesOf(file(rules)), 'AWS::Events::Rule')['EventPattern']);

  expect(pattern.length).toBeLessThan(2048);
  expect(pattern).not.toContain('xxx');
});

test.each([
  ['plain/1.0/', 'plain/1.0/*'],
  ['year=2026/', 'year=2026/*'],
  ['what?/', 'what*'],
  ['a*b/', 'a*'],
  ['données/', 'donn*'],
  ['$x/', '*'],
])('the role may read the prefix %s as %s', (prefix, resource) => {
  const role = JSON.stringify(resourcesOf(fileWith({ source: { prefix } }))['ReplicateRole']);
  expect(role).toContain(`:s3:::source-bucket/${resource}"`);
});

test('a role that only others read for gets no permission on the bucket itself', () => {
  const roleArn = 'arn:aws:iam::111111111111:role/reader';
  const role = JSON.stringify(resourcesOf(fileWith({ source: { roleArn } }))['ReplicateRole']);

  expect(role).not.toContain('s3:GetObject');
  expect(role).toContain(roleArn);
});

test('buckets whose names differ only in punctuation are different resources', () => {
  const resources = resourcesOf(
    file([
      rule('a', { bucket: 'acme-logs' }, [destination('replica-1')]),
      rule('b', { bucket: 'acme.logs' }, [destination('replica-2')]),
    ]),
  );
  const subscriptions = Object.values(resources).filter(({ Type }) => Type === 'Custom::BucketSubscription');

  expect(subscriptions.map(({ Properties }) => Properties?.['bucket'])).toEqual(['acme-logs', 'acme.logs']);
});

test('a queue that no EventBridge rule feeds lets EventBridge send nothing', () => {
  expect(JSON.stringify(resourcesOf(fileWith({})))).not.toContain('events.amazonaws.com');
  expect(JSON.stringify(resourcesOf(fileWith({ source: { events: 'eventbridge' } })))).not.toContain(
    's3.amazonaws.com"}',
  );
});
