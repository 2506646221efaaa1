/**
 * Conditional requests.
 *
 * Sources: Amazon S3 User Guide "Add preconditions to S3 operations" (conditional-requests.html,
 * conditional-writes.html, conditional-deletes.html); RFC 7232 section 6 for the precedence on reads.
 */
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { KeyWatch } from '../model/key.ts';
import type { StoredObject } from '../model/object.ts';
import { header, type S3Request } from '../protocol/request.ts';
import { currentObject, unwatchKey, watchKey } from '../model/versions.ts';

interface WriteCondition {
  /** `If-None-Match: *`: only if there is no object. */
  absent: boolean;
  /** `If-Match`: only over the object with this ETag. */
  etag: string | null;
}

/** The condition of a PutObject, CompleteMultipartUpload or CopyObject. Throws NotImplemented for forms S3 does not take on writes. */
export const parseWriteCondition = (request: S3Request): WriteCondition | null => {
  const ifNoneMatch = header(request, 'if-none-match');
  const ifMatch = header(request, 'if-match');
  if (ifNoneMatch === undefined && ifMatch === undefined) return null;
  if (ifNoneMatch !== undefined && ifMatch !== undefined)
    throw notImplemented(
      'If-Match,If-None-Match',
      'Multiple conditional request headers present in the request',
    );
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented('If-None-Match');
  if (ifMatch === '*') throw notImplemented('If-Match');
  return { absent: ifNoneMatch !== undefined, etag: ifMatch === undefined ? null : bareEtag(ifMatch) };
};

/**
 * Runs a write under its condition. `commit` must not yield: it is called at once after the condition was found to hold.
 * `prepare` may take its time; a delete of the key that commits meanwhile turns the write into a 409.
 */
export const conditionally = async <P, T>(
  bucket: Bucket,
  key: string,
  condition: WriteCondition | null,
  prepare: () => Promise<P>,
  commit: (prepared: P, judge: () => void) => T,
): Promise<T> => {
  if (condition === null) return commit(await prepare(), () => undefined);
  const watch = watchKey(bucket, key);
  try {
    return commit(await prepare(), () => {
      const current = judgeWrite(bucket, key, condition, watch);
      if (condition.etag === null) return;
      if (watch.deleted) throw conflict('If-Match', key);
      if (current === null) throw noSuchKey(key);
      if (current.etag !== condition.etag) throw preconditionFailed('If-Match');
    });
  } finally {
    unwatchKey(bucket, key, watch);
  }
};

/**
 * The same for a completion, which competes with all that happened since its upload was created: a delete makes
 * `If-None-Match` a 409, a write of even the same bytes makes `If-Match` one, and only a new upload can mend it.
 */
export const judgeCompletion = (
  bucket: Bucket,
  key: string,
  condition: WriteCondition | null,
  watch: KeyWatch,
): void => {
  if (condition === null) return;
  const current = judgeWrite(bucket, key, condition, watch);
  if (condition.etag === null) return;
  if (current === null) throw noSuchKey(key);
  if (current.etag !== condition.etag) throw preconditionFailed('If-Match');
  if (watch.written) throw conflict('If-Match', key);
};

/** `If-Match` of a delete: an ETag or `*`. Judged against the current version; a delete marker counts as absent. */
export const judgeDelete = (bucket: Bucket, key: string, ifMatch: string | undefined): void => {
  if (ifMatch === undefined) return;
  const current = currentObject(bucket, key);
  if (current === null) throw noSuchKey(key);
  if (ifMatch !== '*' && current.etag !== bareEtag(ifMatch)) throw preconditionFailed('If-Match');
};

/** `If-Match` wins over `If-Unmodified-Since`, `If-None-Match` over `If-Modified-Since`; a date still to come is ignored. */
export const judgeRead = (
  request: S3Request,
  object: StoredObject,
  nowMs: number,
): 'proceed' | 'not-modified' => {
  const verdict = judgeReadHeaders(object, nowMs, {
    prefix: '',
    ifMatch: header(request, 'if-match'),
    ifUnmodifiedSince: header(request, 'if-unmodified-since'),
    ifNoneMatch: header(request, 'if-none-match'),
    ifModifiedSince: header(request, 'if-modified-since'),
  });
  return verdict === 'proceed' ? 'proceed' : 'not-modified';
};

/** The x-amz-copy-source-if-* headers; where a read would answer 304, a copy answers 412. */
export const judgeCopySource = (request: S3Request, source: StoredObject, nowMs: number): void => {
  const name = (condition: string) => `x-amz-copy-source-if-${condition}`;
  const verdict = judgeReadHeaders(source, nowMs, {
    prefix: 'x-amz-copy-source-',
    ifMatch: header(request, name('match')),
    ifUnmodifiedSince: header(request, name('unmodified-since')),
    ifNoneMatch: header(request, name('none-match')),
    ifModifiedSince: header(request, name('modified-since')),
  });
  if (verdict !== 'proceed') throw preconditionFailed(verdict);
};

/** Without quotes and weakness. */
export const bareEtag = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');

interface ReadConditions {
  /** What goes before a condition's name in an error. */
  prefix: string;
  ifMatch: string | undefined;
  ifUnmodifiedSince: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

/** Answers the condition that found the object unchanged, by its name. */
const judgeReadHeaders = (object: StoredObject, nowMs: number, conditions: ReadConditions): string => {
  const { prefix, ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, object.etag)) throw preconditionFailed(`${prefix}If-Match`);
  } else if (ifUnmodifiedSince !== undefined && isModifiedSince(object, ifUnmodifiedSince) === true) {
    throw preconditionFailed(`${prefix}If-Unmodified-Since`);
  }
  if (ifNoneMatch !== undefined)
    return matchesEtag(ifNoneMatch, object.etag) ? `${prefix}If-None-Match` : 'proceed';
  if (ifModifiedSince === undefined || Date.parse(ifModifiedSince) > nowMs) return 'proceed';
  return isModifiedSince(object, ifModifiedSince) === false ? `${prefix}If-Modified-Since` : 'proceed';
};

const matchesEtag = (list: string, etag: string): boolean =>
  list.trim() === '*' || list.split(',').some((candidate) => bareEtag(candidate) === etag);

/** HTTP dates have whole seconds. Null for a date that cannot be read, which is then ignored. */
const isModifiedSince = (object: StoredObject, date: string): boolean | null => {
  const sinceMs = Date.parse(date);
  return Number.isNaN(sinceMs) ? null : Math.floor(object.lastModifiedMs / 1000) * 1000 > sinceMs;
};

/** Judges `If-None-Match`, and answers the object `If-Match` is to be held against. */
const judgeWrite = (
  bucket: Bucket,
  key: string,
  condition: WriteCondition,
  watch: KeyWatch,
): StoredObject | null => {
  const current = currentObject(bucket, key);
  if (condition.absent && current !== null) throw preconditionFailed('If-None-Match');
  if (condition.absent && watch.deleted) throw conflict('If-None-Match', key);
  return current;
};

const conflict = (condition: string, key: string): S3Error =>
  new S3Error('ConditionalRequestConflict', { elements: { Condition: condition, Key: key } });

const noSuchKey = (key: string): S3Error => new S3Error('NoSuchKey', { elements: { Key: key } });

const preconditionFailed = (condition: string): S3Error =>
  new S3Error('PreconditionFailed', { elements: { Condition: condition } });

const notImplemented = (
  name: string,
  additionalMessage = `We don't accept the provided value of ${name} header for this API`,
): S3Error => new S3Error('NotImplemented', { elements: { Header: name, additionalMessage } });
