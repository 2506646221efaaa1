import { ReplicationError } from '../model/errors.ts';

/**
 * Returns true if the server refused the request. For example, the server does not support full-object checksums, or requires a
 * checksum with each part, or the object has no part with the requested number.
 */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ReplicationError && error.reason === 'invalid-request';
