/**
 * Checks the conditions of conditional requests.
 *
 * Sources: Amazon S3 User Guide "Add preconditions to S3 operations" (conditional-requests.html,
 * conditional-writes.html, conditional-deletes.html); for the precedence of the conditions of a read, RFC 7232 section 6.
 */
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { KeyWatch } from '../model/key.ts';
import type { StoredObject } from '../model/object.ts';
import { header, type S3Request } from '../protocol/request.ts';
import { currentObject, unwatchKey, watchKey } from '../model/versions.ts';

/** The precondition of a write. */
interface WriteCondition {
  /** True for `If-None-Match: *`, which requires that the key has no current object. */
  absent: boolean;
  /** The ETag in `If-Match`, which the current object must have; null without `If-Match`. */
  etag: string | null;
}

/**
 * Returns the condition of a PutObject, CompleteMultipartUpload or CopyObject; null without a condition. Throws NotImplemented for a
 * condition that S3 does not accept on writes.
 */
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
 * Performs a write under its condition. First runs `prepare`, which may take long. Then runs `commit`, which calls `judge` to check the
 * condition. `commit` must be synchronous, so that nothing changes between the check and the write. If the key is deleted during `prepare`,
 * the write fails with 409.
 */
export const conditionally = async <P, T>(
  { bucket, key, condition }: { bucket: Bucket; key: string; condition: WriteCondition | null },
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
 * Checks the condition of a completion. It can fail with 409 even if the condition is true now, because of a change since the upload was
 * created: a delete of the key with `If-None-Match`, or any write of the key with `If-Match`. After a 409, only a new upload can succeed.
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

/**
 * Checks the `If-Match` of a delete, an ETag or `*`, against the current object. Throws NoSuchKey if the newest version is a delete marker
 * or the key has no versions.
 */
export const judgeDelete = (bucket: Bucket, key: string, ifMatch: string | undefined): void => {
  if (ifMatch === undefined) return;
  const current = currentObject(bucket, key);
  if (current === null) throw noSuchKey(key);
  if (ifMatch !== '*' && current.etag !== bareEtag(ifMatch)) throw preconditionFailed('If-Match');
};

/**
 * Checks the conditions of a read. `If-Match` overrides `If-Unmodified-Since`, and `If-None-Match` overrides `If-Modified-Since`. An
 * `If-Modified-Since` in the future is ignored.
 */
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

/** Checks the x-amz-copy-source-if-* headers. If a read with the same conditions would return 304, the copy fails with 412. */
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

/** Removes the quotes of an ETag, and the prefix `W/` of a weak ETag. */
export const bareEtag = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');

interface ReadConditions {
  /** Text that stands before the condition's name in an error, such as `x-amz-copy-source-`. */
  prefix: string;
  ifMatch: string | undefined;
  ifUnmodifiedSince: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

/**
 * Returns 'proceed', or the condition for which S3 returns no content: `If-None-Match` or `If-Modified-Since`. Throws PreconditionFailed if
 * `If-Match` or `If-Unmodified-Since` fails.
 */
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

/**
 * True if the object was modified after the date. Only whole seconds count, because HTTP dates have no fractions. Returns null for an
 * invalid date, which callers ignore.
 */
const isModifiedSince = (object: StoredObject, date: string): boolean | null => {
  const sinceMs = Date.parse(date);
  return Number.isNaN(sinceMs) ? null : Math.floor(object.lastModifiedMs / 1000) * 1000 > sinceMs;
};

/** Checks `If-None-Match`. Returns the current object, because the caller checks `If-Match` against it. */
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
