/** The permission to put events on the event bus. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { destination, file, rule } from '../configuration/yaml.ts';

const announcing = (announce: string): string =>
  file([{ ...rule('a', { bucket: 'source-bucket' }, [destination('copy-bucket')]), announce }]);

const statementsOf = (text: string): [string, unknown][] =>
  Object.entries(stackOf(parseConfiguration(text)).resources.Resources).filter(([, resource]) =>
    JSON.stringify(resource).includes('events:PutEvents'),
  );

test('only the roles that replicate may put events, and only those of replicas on the default bus', () => {
  const found = statementsOf(announcing('eventbridge'));
  expect(found.map(([name]) => name)).toEqual(['ReplicateRole', 'BatchRole']);
  for (const [, role] of found) {
    const [policy] = JSON.parse(JSON.stringify(role)).Properties.Policies;
    expect(policy.PolicyDocument.Statement.at(-1)).toEqual({
      Sid: 'Announcements',
      Effect: 'Allow',
      Action: ['events:PutEvents'],
      Resource: {
        'Fn::Sub': 'arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default',
      },
      Condition: {
        'ForAllValues:StringEquals': {
          'events:source': 's3-replicator',
          'events:detail-type': 'Object Replicated',
        },
      },
    });
  }
});

test('a stack that announces nothing may put no events', () => {
  expect(statementsOf(announcing('none'))).toEqual([]);
});

test('events of replicas without stamps are refused, because one could be lost', () => {
  const text = file([
    {
      ...rule('a', { bucket: 'source-bucket' }, [destination('copy-bucket')]),
      announce: 'eventbridge',
      stamp: false,
    },
  ]);
  expect(() => parseConfiguration(text)).toThrow(/`eventbridge` beside `stamp: false`/);
});
