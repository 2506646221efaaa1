/**
 * Hints: "this key changed, look at it". Every envelope a hint can arrive in is opened here, once; below this file
 * there are no raw events.
 */

import { countOrNull, isRecord, type JsonRecord, parsedJson, textOrNull } from '../model/json.ts';
import type { Concern } from '../model/task.ts';

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
  const json = parsedJson(body);
  if (!isRecord(json)) return [malformedPart('the body is not a JSON object', body)];
  try {
    return parseEnvelope(json, body);
  } catch (error) {
    // JSON.parse takes any depth, JSON.stringify does not: ten kilobytes of brackets would fail the whole batch.
    if (error instanceof RangeError) return [malformedPart('the body is nested too deeply', body)];
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

const parseEnvelope = (json: JsonRecord, body: string): Parsed[] => {
  if (json['s3-replicator'] === 'hint') return [parseOwnHint(json, body)];
  if (json['Type'] === 'Notification' && typeof json['Message'] === 'string') {
    const inner = parsedJson(json['Message']);
    // One level only: SNS does not wrap twice, and a bound keeps a hostile message from nesting without end.
    if (isRecord(inner) && inner['Type'] !== 'Notification') return parseEnvelope(inner, body);
    return [malformedPart('the SNS notification holds no S3 event', body)];
  }
  if (json['Event'] === 's3:TestEvent') return [{ kind: 'test-event' }];
  if (json['source'] === 'aws.s3' && isRecord(json['detail'])) return [parseEventBridge(json, body)];
  if (Array.isArray(json['Records'])) {
    if (json['Records'].length === 0) return [malformedPart('the S3 event has no records', body)];
    return json['Records'].map((record: unknown) => parseS3Record(record));
  }
  return [malformedPart('the body is neither an S3 event, an EventBridge event nor a hint', body)];
};

const parseS3Record = (record: unknown): Parsed => {
  const alone = asciiJson({ Records: [record] });
  if (!isRecord(record) || record['eventSource'] !== 'aws:s3')
    return malformedPart('not a record of S3', alone);
  const object = recordAt(record, 's3', 'object');
  const bucket = textOrNull(recordAt(record, 's3', 'bucket')?.['name']);
  const encodedKey = textOrNull(object?.['key']);
  if (bucket === null || encodedKey === null)
    return malformedPart('the record names no bucket or key', alone);
  const key = decodeFormKey(encodedKey);
  if (key === null) return malformedPart('the key is not form-encoded UTF-8', alone);
  return {
    kind: 'hint',
    hint: {
      bucket,
      key,
      versionId: textOrNull(object?.['versionId']),
      sizeBytes: countOrNull(object?.['size']),
      kind: (textOrNull(record['eventName']) ?? 'unknown').replace(/^s3:/, ''),
      identity:
        textOrNull(object?.['sequencer']) ??
        textOrNull(recordAt(record, 'responseElements')?.['x-amz-request-id']) ??
        null,
      principalId: textOrNull(recordAt(record, 'userIdentity')?.['principalId']),
      rule: null,
      destination: null,
      run: null,
    },
  };
};

/** EventBridge does not encode keys, and calls things by other names. */
const parseEventBridge = (json: JsonRecord, body: string): Parsed => {
  const detail = recordAt(json, 'detail');
  const object = recordAt(json, 'detail', 'object');
  const bucket = textOrNull(recordAt(json, 'detail', 'bucket')?.['name']);
  const key = textOrNull(object?.['key']);
  if (bucket === null || key === null)
    return malformedPart('the EventBridge event names no bucket or key', body);
  return {
    kind: 'hint',
    hint: {
      bucket,
      key,
      versionId: textOrNull(object?.['version-id']),
      sizeBytes: countOrNull(object?.['size']),
      kind: kindOfEventBridge(textOrNull(json['detail-type']) ?? 'unknown', detail),
      identity: textOrNull(object?.['sequencer']) ?? textOrNull(detail?.['request-id']),
      // EventBridge carries the requester's account or principal, not the session.
      principalId: textOrNull(detail?.['requester']),
      rule: null,
      destination: null,
      run: null,
    },
  };
};

/** S3's own event name for what EventBridge calls otherwise ("EventBridge event types", S3 User Guide). */
const kindOfEventBridge = (type: string, detail: JsonRecord | undefined): string => {
  const reason = textOrNull(detail?.['reason']);
  if (type === 'Object Created') return `ObjectCreated:${CREATED_BY[reason ?? ''] ?? reason ?? 'unknown'}`;
  if (type === 'Object Deleted') {
    const marker = textOrNull(detail?.['deletion-type']) === 'Delete Marker Created';
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

const parseOwnHint = (json: JsonRecord, body: string): Parsed => {
  const bucket = textOrNull(json['bucket']);
  const key = textOrNull(json['key']);
  if (bucket === null || key === null) return malformedPart('the hint names no bucket or key', body);
  return {
    kind: 'hint',
    hint: {
      bucket,
      key,
      versionId: textOrNull(json['versionId']),
      sizeBytes: countOrNull(json['sizeBytes']),
      kind: textOrNull(json['kind']) ?? 'hint',
      identity: textOrNull(json['identity']),
      principalId: textOrNull(json['principalId']),
      rule: textOrNull(json['rule']),
      destination: textOrNull(json['destination']),
      run: textOrNull(json['run']),
    },
  };
};

/** S3 encodes keys in notifications as HTML forms do: `+` is a space, everything else is percent-encoded UTF-8. */
export const decodeFormKey = (encoded: string): string | null => {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return null;
  }
};

const malformedPart = (why: string, body: string): Parsed => ({ kind: 'malformed', why, body });

const recordAt = (object: JsonRecord, ...path: string[]): JsonRecord | undefined => {
  let value: unknown = object;
  for (const name of path) value = isRecord(value) ? value[name] : undefined;
  return isRecord(value) ? value : undefined;
};
