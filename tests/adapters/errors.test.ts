/** The translation of errors whose code does not show their cause. */
import { expect, test } from 'vitest';
import { translateError } from '../../src/lib/aws/errors.ts';

test('a HEAD refused because of a wrong clock is retried: it has no code, and only the SDK knows the cause', () => {
  const refused = (more: object) =>
    Object.assign(new Error('Unknown'), { name: 'Unknown', $metadata: { httpStatusCode: 403, ...more } });
  expect(translateError(refused({ clockSkewCorrected: true }), 'HeadObject').reason).toBe('service-error');
  expect(translateError(refused({}), 'HeadObject').reason).toBe('access-denied');
});
