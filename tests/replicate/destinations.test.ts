/** A rule with several destinations, one of which fails. */
import { expect, test } from 'vitest';
import { parseMessage } from '../../src/lib/hint/parse-message.ts';
import { s3Event, testConfiguration, testDestination, testRule } from '../model/settings.ts';
import { batchWorld, queueMessage } from './batch-world.ts';

const two = testConfiguration(
  testRule({
    destinations: [
      testDestination({ id: 'one', bucket: 'one' }),
      testDestination({ id: 'two', bucket: 'two' }),
    ],
  }),
);

test('a destination that needs a person does not stop the other one, and its dead letter names it alone', async () => {
  const { source, replica, failing, dead, calls, run } = batchWorld(two);
  source.put('k', Buffer.from('one'));
  failing.set('two', 'no-such-bucket');
  expect(await run(queueMessage(s3Event({ key: 'k', sequencer: '1' })))).toEqual({ failed: [] });
  expect(replica('one').current('k')).not.toBeNull();
  const [parsed] = parseMessage(dead[0]!.body);
  expect(parsed).toMatchObject({ kind: 'hint', hint: { rule: 'rule', destination: 'two', key: 'k' } });
  failing.clear();
  calls.length = 0;
  await run(queueMessage(dead[0]!.body, { messageId: 'm2' }));
  expect(calls.filter((call) => call === 'destination.put')).toHaveLength(1);
  expect(replica('two').current('k')).not.toBeNull();
});
