import type { ObjectAttributes, ObjectLock } from './ports.ts';

/** The attributes of an object for which S3 sent no attribute headers. */
export const NO_ATTRIBUTES: ObjectAttributes = {
  cacheControl: null,
  contentDisposition: null,
  contentEncoding: null,
  contentLanguage: null,
  contentType: null,
  expires: null,
  websiteRedirectLocation: null,
  storageClass: null,
  metadata: {},
};

export const NO_LOCK: ObjectLock = { retention: null, legalHold: false };
