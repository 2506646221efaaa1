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

/** The precondition of a write. */
interface WriteCondition {
  /** `If-None-Match: *`: the write requires that there is no object. */
  absent: boolean;
  /** `If-Match`: the write requires that the current object has this ETag. */
  etag: string | null;
}

/** The condition of a PutObject, CompleteMultipartUpload or CopyObject. Throws NotImplemented for forms that S3 does not accept on writes. */
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
 * Runs a write under its condition: first `prepare`, which may take long, then `commit`, which calls `judge` to check the condition.
 * `commit` must be synchronous, so that nothing changes between the check and the write. A delete of the key during `prepare` makes the
 * write fail with 409.
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
 * Checks the condition of a completion, which conflicts with every change of the key since the upload was created. A delete makes
 * `If-None-Match` fail with 409. A write, even of the same bytes, makes `If-Match` fail with 409. Only a new upload can then succeed.
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

/** Checks the `If-Match` of a delete, an ETag or `*`, against the current version. A delete marker counts as no object. */
export const judgeDelete = (bucket: Bucket, key: string, ifMatch: string | undefined): void => {
  if (ifMatch === undefined) return;
  const current = currentObject(bucket, key);
  if (current === null) throw noSuchKey(key);
  if (ifMatch !== '*' && current.etag !== bareEtag(ifMatch)) throw preconditionFailed('If-Match');
};

/** `If-Match` overrides `If-Unmodified-Since`, and `If-None-Match` overrides `If-Modified-Since`. A date in the future is ignored. */
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

/** Checks the x-amz-copy-source-if-* headers. A copy fails with 412 where a read would return 304. */
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

/** Removes the quotes and the weakness prefix. */
export const bareEtag = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');

interface ReadConditions {
  /** Precedes the condition's name in an error. */
  prefix: string;
  ifMatch: string | undefined;
  ifUnmodifiedSince: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
}

/** Returns 'proceed', or the name of the condition that found the object unchanged. */
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

/** Compares whole seconds, as HTTP dates have. Returns null for an unreadable date, which the caller ignores. */
const isModifiedSince = (object: StoredObject, date: string): boolean | null => {
  const sinceMs = Date.parse(date);
  return Number.isNaN(sinceMs) ? null : Math.floor(object.lastModifiedMs / 1000) * 1000 > sinceMs;
};

/** Checks `If-None-Match`, and returns the object that the caller checks `If-Match` against. */
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
