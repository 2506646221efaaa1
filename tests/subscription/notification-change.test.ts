/**
 * How long a change of a bucket's notifications is retried, and which error is reported if it never succeeds.
 */
import { expect, test } from 'vitest';
import {
  BucketNotificationsError,
  changeNotifications,
} from '../../src/lib/subscription/notification-change.ts';

const change = { isDone: () => false, apply: () => ({}), isFresh: true };
const WHERE = { bucket: 'acme-documents', accountId: '111111111111' };

test('a change that runs out of time in the middle of a call reports the earlier refusal by S3', async () => {
  const aborted = new BucketNotificationsError('failed', 'AbortError: Request aborted', {
    cause: Object.assign(new Error('Request aborted'), { name: 'AbortError' }),
  });
  const answers = [new BucketNotificationsError('access-denied', 'not allowed'), aborted];
  const notifications = {
    get: async () => ({}),
    put: async () => {
      throw answers.shift() ?? aborted;
    },
  };
  const changing = changeNotifications(notifications, WHERE, async () => undefined, change);
  await expect(changing).rejects.toMatchObject({ problem: 'access-denied' });
});
