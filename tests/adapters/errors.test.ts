/** The translation of errors whose code does not show their cause. */
import { expect, test } from 'vitest';
import { translateError } from '../../src/lib/aws/errors.ts';

test('a HEAD refused because of a wrong clock is retried: it has no code, and only the SDK knows the cause', () => {
  const refused = (more: object) =>
    Object.assign(new Error('Unknown'), { name: 'Unknown', $metadata: { httpStatusCode: 403, ...more } });
  expect(translateError(refused({ clockSkewCorrected: true }), 'HeadObject').reason).toBe('service-error');
  expect(translateError(refused({}), 'HeadObject').reason).toBe('access-denied');
});

test.each(['__proto__', 'constructor', 'toString'])(
  'a server that answers the code %s, which every object has, is a request that it refuses',
  (code) => {
    const refused = Object.assign(new Error('m'), { name: code, $metadata: { httpStatusCode: 400 } });
    expect(translateError(refused, 'PutObject').reason).toBe('invalid-request');
  },
);
