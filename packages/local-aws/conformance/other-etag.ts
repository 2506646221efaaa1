/** An ETag that no object has. */

export const OTHER_ETAG = '"00000000000000000000000000000000"';
