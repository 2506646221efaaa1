/** What `stack.batchWindowSeconds` changes in the template. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { fileWith } from '../configuration/yaml.ts';

test('messages stay hidden for the window and the invocation, in both queues of the function', () => {
  const visibility = (stack: object): unknown[] => {
    const { resources } = stackOf(parseConfiguration(fileWith({ top: { stack } })));
    return ['LiveQueue', 'BackfillQueue'].map(
      (name) => resources.Resources[name]?.Properties?.['VisibilityTimeout'],
    );
  };
  expect(visibility({})).toEqual([450, 450]);
  expect(visibility({ batchWindowSeconds: 60 })).toEqual([510, 510]);
});
