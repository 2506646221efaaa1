/**
 * Hints: "this key changed, look at it". Every envelope a hint can arrive in is opened here, once; below this file
 * there are no raw events.
 */

import type { Concern } from '../model/work.ts';

/** One key to look at. Everything but bucket and key may save work and is never needed for safety. */
export interface Hint {
  bucket: string;
  /** Decoded, exactly as S3 stores it. */
  key: string;
  versionId: string | null;
  sizeBytes: number | null;
  /**
   * S3's own event name, e.g. `ObjectCreated:Put`, whatever the envelope calls it. Of our own: `hint`, or what a run found: `extra`,
   * `repair` (see `isExtra`, `concernOf`).
   */
  kind: string;
  /**
   * What makes two deliveries of the same event equal (sequencer, else S3's request id). Null: nothing does, and the
   * message's own id has to stand in.
   */
  identity: string | null;
  /** `userIdentity.principalId` of who changed the object. */
  principalId: string | null;
  /** Only these, when set: a hint that failed for one destination must not be copied to the others again. */
  rule: string | null;
  destination: string | null;
  /** The id of the run that sent it. */
  run: string | null;
}

export const concernOf = ({ kind }: Pick<Hint, 'kind'>): Concern => {
  if (kind === REPAIR) return 'attributes';
  if (kind.startsWith('ObjectTagging:')) return 'tags';
  return kind.startsWith('ObjectAcl:') ? 'acl' : 'content';
};

/**
 * Is a key that is absent now a deleted one? Where there are versions, a delete marker says so, and without one it is not: its
 * versions expired or were deleted for good. In a bucket without versions, whose events have no version id, it is enough that
 * the key was there, which any event says.
 */
export const absenceIsDeletion = ({ kind, versionId }: Pick<Hint, 'kind' | 'versionId'>): boolean =>
  versionId === null && (/^(Object|LifecycleExpiration)/.test(kind) || isExtra({ kind }));

/** Somebody who had both sides listed, and confirmed it, wants replicas deleted whose source is not there. */
export const isExtra = ({ kind }: Pick<Hint, 'kind'>): boolean => kind === 'extra';

/** The kind of hint for a replica that holds its source version, with other attributes. */
export const REPAIR = 'repair';

/** A part of a message: a hint, something to acknowledge without work, or something nobody understands. */
export type Parsed =
  | { kind: 'hint'; hint: Hint }
  | { kind: 'test-event' }
  /** `body` is what to put into the dead-letter queue: the smallest piece that holds the malformed record. */
  | { kind: 'malformed'; why: string; body: string };

/**
 * Opens an SQS message body: S3 event notification (direct, or through SNS raw or wrapped), EventBridge event,
 * `s3:TestEvent`, or our own hint.
 * Formats: "Event message structure" and "Using EventBridge" in the S3 User Guide, "Amazon SNS message formats".
 */
export const parseMessage = (body: string): Parsed[] => {
  const json = parseJson(body);
  if (!isRecord(json)) return [malformed('the body is not a JSON object', body)];
  try {
    return parseEnvelope(json, body);
  } catch (error) {
    // JSON.parse takes any depth, JSON.stringify does not: ten kilobytes of brackets would fail the whole batch.
    if (error instanceof RangeError) return [malformed('the body is nested too deeply', body)];
    throw error;
  }
};

/** The SQS message body of our own hint: pure ASCII, because SQS refuses some characters that keys may hold. */
export const formatHint = (hint: Hint): string => asciiJson({ 's3-replicator': 'hint', ...hint });

/** JSON in which every character outside printable ASCII is escaped. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (character) => '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0'),
  );

const parseEnvelope = (json: JsonObject, body: string): Parsed[] => {
  if (json['s3-replicator'] === 'hint') return [parseOwnHint(json, body)];
  if (json['Type'] === 'Notification' && typeof json['Message'] === 'string') {
    const inner = parseJson(json['Message']);
    // One level only: SNS does not wrap twice, and a bound keeps a hostile message from nesting without end.
    if (isRecord(inner) && inner['Type'] !== 'Notification') return parseEnvelope(inner, body);
    return [malformed('the SNS notification holds no S3 event', body)];
  }
  if (json['Event'] === 's3:TestEvent') return [{ kind: 'test-event' }];
  if (json['source'] === 'aws.s3' && isRecord(json['detail'])) return [parseEventBridge(json, body)];
  if (Array.isArray(json['Records'])) {
    if (json['Records'].length === 0) return [malformed('the S3 event has no records', body)];
    return json['Records'].map((record: unknown) => parseS3Record(record));
  }
  return [malformed('the body is neither an S3 event, an EventBridge event nor a hint', body)];
};

const parseS3Record = (record: unknown): Parsed => {
  const alone = asciiJson({ Records: [record] });
  if (!isRecord(record) || record['eventSource'] !== 'aws:s3') return malformed('not a record of S3', alone);
  const object = field(record, 's3', 'object');
  const bucket = text(field(record, 's3', 'bucket')?.['name']);
  const encodedKey = text(object?.['key']);
  if (bucket === null || encodedKey === null) return malformed('the record names no bucket or key', alone);
  const key = decodeFormKey(encodedKey);
  if (key === null) return malformed('the key is not form-encoded UTF-8', alone);
  return {
    kind: 'hint',
    hint: {
      bucket,
      key,
      versionId: text(object?.['versionId']),
      sizeBytes: count(object?.['size']),
      kind: (text(record['eventName']) ?? 'unknown').replace(/^s3:/, ''),
      identity:
        text(object?.['sequencer']) ?? text(field(record, 'responseElements')?.['x-amz-request-id']) ?? null,
      principalId: text(field(record, 'userIdentity')?.['principalId']),
      rule: null,
      destination: null,
      run: null,
    },
  };
};

/** EventBridge does not encode keys, and calls things by other names. */
const parseEventBridge = (json: JsonObject, body: string): Parsed => {
  const detail = field(json, 'detail');
  const object = field(json, 'detail', 'object');
  const bucket = text(field(json, 'detail', 'bucket')?.['name']);
  const key = text(object?.['key']);
  if (bucket === null || key === null) return malformed('the EventBridge event names no bucket or key', body);
  return {
    kind: 'hint',
    hint: {
      bucket,
      key,
      versionId: text(object?.['version-id']),
      sizeBytes: count(object?.['size']),
      kind: kindOfEventBridge(text(json['detail-type']) ?? 'unknown', detail),
      identity: text(object?.['sequencer']) ?? text(detail?.['request-id']),
      // EventBridge carries the requester's account or principal, not the session.
      principalId: text(detail?.['requester']),
      rule: null,
      destination: null,
      run: null,
    },
  };
};

/** S3's own event name for what EventBridge calls otherwise ("EventBridge event types", S3 User Guide). */
const kindOfEventBridge = (type: string, detail: JsonObject | undefined): string => {
  const reason = text(detail?.['reason']);
  if (type === 'Object Created') return `ObjectCreated:${CREATED_BY[reason ?? ''] ?? reason ?? 'unknown'}`;
  if (type === 'Object Deleted') {
    const marker = text(detail?.['deletion-type']) === 'Delete Marker Created';
    const cause = reason === 'Lifecycle Expiration' ? 'LifecycleExpiration' : 'ObjectRemoved';
    return `${cause}:${marker ? 'DeleteMarkerCreated' : 'Delete'}`;
  }
  return KIND_OF_TYPE[type] ?? type;
};

const CREATED_BY: Record<string, string> = {
  PutObject: 'Put',
  'POST Object': 'Post',
  CopyObject: 'Copy',
  CompleteMultipartUpload: 'CompleteMultipartUpload',
};

const KIND_OF_TYPE: Record<string, string> = {
  'Object Tags Added': 'ObjectTagging:Put',
  'Object Tags Deleted': 'ObjectTagging:Delete',
  'Object ACL Updated': 'ObjectAcl:Put',
  'Object Restore Completed': 'ObjectRestore:Completed',
};

const parseOwnHint = (json: JsonObject, body: string): Parsed => {
  const bucket = text(json['bucket']);
  const key = text(json['key']);
  if (bucket === null || key === null) return malformed('the hint names no bucket or key', body);
  return {
    kind: 'hint',
    hint: {
      bucket,
      key,
      versionId: text(json['versionId']),
      sizeBytes: count(json['sizeBytes']),
      kind: text(json['kind']) ?? 'hint',
      identity: text(json['identity']),
      principalId: text(json['principalId']),
      rule: text(json['rule']),
      destination: text(json['destination']),
      run: text(json['run']),
    },
  };
};

/** S3 encodes keys in notifications as HTML forms do: `+` is a space, everything else is percent-encoded UTF-8. */
const decodeFormKey = (encoded: string): string | null => {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return null;
  }
};

type JsonObject = Record<string, unknown>;

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const malformed = (why: string, body: string): Parsed => ({ kind: 'malformed', why, body });

const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const field = (object: JsonObject, ...path: string[]): JsonObject | undefined => {
  let value: unknown = object;
  for (const name of path) value = isRecord(value) ? value[name] : undefined;
  return isRecord(value) ? value : undefined;
};

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
