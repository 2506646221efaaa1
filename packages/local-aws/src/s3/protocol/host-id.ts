import { createHash } from 'node:crypto';

/** The x-amz-id-2 header for a request id. */
export const hostId = (requestId: string): string => createHash('sha256').update(requestId).digest('base64');
