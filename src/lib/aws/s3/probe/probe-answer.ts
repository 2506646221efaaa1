import type { ProbeStep } from '../../../model/probe-step.ts';
import { readError } from '../../read-error.ts';

/**
 * Makes a call that shows whether the caller has a permission. AWS checks permissions before anything else. The answer is `denied` after
 * status 403, and `allowed` after status 404 or one of the error codes in `allowed`. After any other error it is `failed`.
 */
export const answerOf = async (
  permission: string,
  send: () => Promise<unknown>,
  allowed: readonly string[] = [],
): Promise<ProbeStep> => {
  try {
    await send();
    return { permission, answer: 'allowed', detail: '' };
  } catch (error) {
    const { code, status, message } = readError(error);
    const detail = `${code}: ${message}`;
    if (status === 403) return { permission, answer: 'denied', detail };
    return { permission, answer: status === 404 || allowed.includes(code) ? 'allowed' : 'failed', detail };
  }
};
