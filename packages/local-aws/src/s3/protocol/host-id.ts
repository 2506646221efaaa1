import { createHash } from 'node:crypto';

/** Returns the x-amz-id-2 header for a request id. */
export const hostId = (requestId: string): string => createHash('sha256').update(requestId).digest('base64');
