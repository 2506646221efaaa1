/** Special cases of the generated resources. No stack is packaged for these tests. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import type { Resources } from '../../src/stack/cloudformation.ts';
import { destination, file, fileWith, rule } from '../configuration/yaml.ts';
import { spell } from './statements.ts';

const resourcesOf = (text: string): Resources => stackOf(parseConfiguration(text)).resources.Resources;

const only = (resources: Resources, type: string): Record<string, unknown> => {
  const found = Object.values(resources).filter(({ Type }) => Type === type);
  expect(found).toHaveLength(1);
  return found[0]?.Properties ?? {};
};

/** Returns the rule that forwards the events of a bucket. The schedule of the subscriptions is a rule too, without a pattern. */
const eventRule = (resources: Resources): Record<string, unknown> =>
  only(
    Object.fromEntries(Object.entries(resources).filter(([id]) => id !== 'SubscriptionSchedule')),
    'AWS::Events::Rule',
  );

/** Returns the statements of the replicate role that are about source buckets. */
const readStatements = (text: string): { Sid: string; Action: string[]; Resource: unknown[] }[] => {
  const role = JSON.parse(JSON.stringify(resourcesOf(text)['ReplicateRole']));
  return role.Properties.Policies[0].PolicyDocument.Statement.filter(({ Sid }: { Sid: string }) =>
    /^(Read|List)Sources/.test(Sid),
  );
};

const keysOf = (source: Record<string, string>): unknown => {
  const rules = resourcesOf(fileWith({ source: { events: 'eventbridge', ...source } }));
  const pattern = JSON.parse(JSON.stringify(eventRule(rules)['EventPattern']));
  return pattern.detail.object?.key;
};

test.each([
  [{}, undefined],
  [{ prefix: 'a/' }, [{ prefix: 'a/' }]],
  [{ suffix: '.jpg' }, [{ suffix: '.jpg' }]],
  [{ prefix: 'a/', suffix: '.jpg' }, [{ wildcard: 'a/*.jpg' }]],
  // The key `a-b` begins with `a-` and ends with `-b`, but it does not match the wildcard `a-*-b`. It is
  // therefore listed separately.
  [{ prefix: 'a-', suffix: '-b' }, [{ wildcard: 'a-*-b' }, 'a-b']],
  [{ prefix: 'aa', suffix: 'aa' }, [{ wildcard: 'aa*aa' }, 'aaa', 'aa']],
  [{ prefix: 'a*/', suffix: '\\b' }, [{ wildcard: 'a\\*/*\\\\b' }]],
])('the event rule of the source %j asks EventBridge for exactly the keys of the source', (source, keys) => {
  expect(keysOf(source)).toEqual(keys);
});

test('an event rule whose pattern would be too long for EventBridge asks for all keys, because the function filters them', () => {
  const rules = Array.from({ length: 30 }, (_, index) =>
    rule(
      `rule-${index}`,
      { bucket: 'source-1', events: 'eventbridge', prefix: `${'x'.repeat(80)}${index}/` },
      [destination(`replica-${index}`)],
    ),
  );
  const pattern = JSON.stringify(eventRule(resourcesOf(file(rules)))['EventPattern']);

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
])('the replicate role may read the prefix %s through the resource pattern %s', (prefix, resource) => {
  const role = JSON.stringify(resourcesOf(fileWith({ source: { prefix } }))['ReplicateRole']);
  expect(role).toContain(`:s3:::source-bucket/${resource}"`);
});

test('the replicate role gets no permission on a bucket that another role reads', () => {
  const roleArn = 'arn:aws:iam::111111111111:role/reader';
  const role = JSON.stringify(resourcesOf(fileWith({ source: { roleArn } }))['ReplicateRole']);

  expect(role).not.toContain('s3:GetObject');
  expect(role).toContain(roleArn);
});

test('an event rule forwards only changes that a rule of the bucket replicates', () => {
  const detailTypes = (more: object, objectLock = 'ignore'): unknown => {
    const text = fileWith({
      source: { events: 'eventbridge' },
      rule: { ...more },
      destination: { objectLock },
    });
    return JSON.parse(JSON.stringify(eventRule(resourcesOf(text))['EventPattern']))['detail-type'];
  };
  const always = ['Object Created', 'Object Tags Added', 'Object Tags Deleted', 'Object Restore Completed'];

  expect(detailTypes({})).toEqual(always);
  for (const lock of ['replicate', 'governance'])
    expect(detailTypes({}, lock)).toEqual([...always, { prefix: 'Object Retention' }]);
  expect(detailTypes({ acl: 'replicate' })).toEqual([...always, 'Object ACL Updated']);
  expect(detailTypes({ deletes: 'replicate' })).toEqual([...always, 'Object Deleted']);
});

test('an action that one rule needs is granted for the prefix of that rule, not for the prefixes of other rules of the bucket', () => {
  const text = file([
    rule('all', { bucket: 'source-1' }, [destination('replica-1')]),
    rule('some', { bucket: 'source-1', prefix: 'a/' }, [destination('replica-2')], { restore: { days: 1 } }),
    rule('more', { bucket: 'source-1', prefix: 'a/b/' }, [destination('replica-3')], {
      restore: { days: 1 },
    }),
  ]);
  const statements = readStatements(text);

  expect(statements.map(({ Sid, Resource }) => [Sid, Resource.map(spell)])).toEqual([
    ['ReadSources', ['arn:aws:s3:::source-1/*']],
    ['ReadSources2', ['arn:aws:s3:::source-1/a/*']],
    ['ListSources', ['arn:aws:s3:::source-1']],
  ]);
  expect(statements[1]?.Action).toEqual(['s3:RestoreObject']);
});

test('resources with the same actions share a statement, because the length of a policy is limited', () => {
  const rules = (more: (index: number) => object) =>
    file(
      Array.from({ length: 6 }, (_, index) =>
        rule(`rule-${index}`, { bucket: `source-${index}` }, [destination(`replica-${index}`)], {
          ...more(index),
        }),
      ),
    );
  const sizes = (text: string) =>
    readStatements(text).map(({ Sid, Resource }) => `${Sid} ${Resource.length}`);

  expect(sizes(rules(() => ({})))).toEqual(['ReadSources 6', 'ListSources 6']);
  expect(sizes(rules((index) => (index % 2 === 0 ? {} : { acl: 'replicate', versions: 'latest' })))).toEqual([
    'ReadSources 3',
    'ReadSources2 3',
    'ListSources 3',
    'ListSources2 3',
  ]);
});

test.each([
  [{ objectLock: 'replicate' }, 'may'],
  [{ objectLock: 'governance' }, 'may'],
  [{ objectLock: 'ignore' }, 'may not'],
])('for a destination with %j the replicate role %s read locks', (more, permission) => {
  const actions = readStatements(fileWith({ destination: more })).flatMap(({ Action }) => Action);

  expect(actions.includes('s3:GetObjectRetention')).toBe(permission === 'may');
  expect(actions.includes('s3:GetObjectLegalHold')).toBe(permission === 'may');
});

test('no role of the source account may remove a version or weaken a lock, whatever the rules ask for', () => {
  const everything = fileWith({
    destination: { objectLock: 'governance' },
    rule: { deletes: 'replicate', acl: 'replicate', replicas: 'replicate', restore: { days: 1 } },
  });

  expect(JSON.stringify(resourcesOf(everything))).not.toMatch(/s3:(Delete|Bypass|Put(?!BucketNotification))/);
});

test('buckets whose names differ only in punctuation get different resources', () => {
  const resources = resourcesOf(
    file([
      rule('a', { bucket: 'acme-logs' }, [destination('replica-1')]),
      rule('b', { bucket: 'acme.logs' }, [destination('replica-2')]),
    ]),
  );
  const subscriptions = Object.values(resources).filter(({ Type }) => Type === 'Custom::BucketSubscription');

  expect(subscriptions.map(({ Properties }) => Properties?.['bucket'])).toEqual(['acme-logs', 'acme.logs']);
});

test('the policy of a live queue that no event rule feeds does not let EventBridge send', () => {
  const policy = (source: Record<string, string>): string =>
    JSON.stringify(resourcesOf(fileWith({ source }))['LiveQueuePolicy']);
  expect(policy({})).not.toContain('events.amazonaws.com');
  expect(policy({ events: 'eventbridge' })).not.toContain('"s3.amazonaws.com"}');
});
