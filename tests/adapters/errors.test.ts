/** What is made of errors whose code says nothing. */
import { expect, test } from 'vitest';
import { translateError } from '../../src/lib/aws/errors.ts';

test('a HEAD refused for the clock is tried again: it has no code, only the SDK knows why', () => {
  const refused = (more: object) =>
    Object.assign(new Error('Unknown'), { name: 'Unknown', $metadata: { httpStatusCode: 403, ...more } });
  expect(translateError(refused({ clockSkewCorrected: true }), 'HeadObject').reason).toBe('service-error');
  expect(translateError(refused({}), 'HeadObject').reason).toBe('access-denied');
});
