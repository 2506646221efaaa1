/** Parses every kind of message in which a hint can arrive, so that the rest of the code does not deal with raw events. */
import { parseChain } from '../model/chain.ts';
import { countOrNull, isRecord, type JsonRecord, parsedJson, textOrNull } from '../model/json.ts';
import type { ReplicationError } from '../model/errors.ts';
import { newerThanKnown, type Schema } from '../model/schemas.ts';
import type { ReplicaEvent } from '../model/replica-event.ts';
import { parseAnnouncement } from './announcement.ts';
import { asciiJson } from './ascii-json.ts';
import type { Hint } from './hint.ts';

/**
 * A part of a message: a hint, a test event (acknowledged without work), a malformed record, or a part that only a newer release
 * can read.
 */
export type Parsed =
  | { kind: 'hint'; hint: Hint }
  | { kind: 'test-event' }
  /** Events of proven replicas, which the event bus did not accept. */
  | { kind: 'announcement'; events: ReplicaEvent[] }
  /**
   * `body` is the smallest piece of the message that contains the malformed record. This piece is sent to the dead-letter queue.
   */
  | { kind: 'malformed'; why: string; body: string }
  | { kind: 'newer'; error: ReplicationError; body: string };

/**
 * Parses the body of an SQS message: an S3 event notification (sent directly, or through SNS either raw or wrapped), an
 * EventBridge event, `s3:TestEvent`, or our own hint.
 * Formats: "Event message structure" and "Using EventBridge" in the S3 User Guide, "Amazon SNS message formats".
 */
export const parseMessage = (body: string): Parsed[] => {
  const json = parsedJson(body);
  if (!isRecord(json)) return [malformedPart('the body is not a JSON object', body)];
  try {
    return parseEnvelope(json, body);
  } catch (error) {
    // JSON.parse accepts any depth of nesting, but JSON.stringify does not. Without this catch, ten kilobytes of brackets would
    // fail the whole batch.
    if (error instanceof RangeError) return [malformedPart('the body is nested too deeply', body)];
    throw error;
  }
};

const parseEnvelope = (json: JsonRecord, body: string): Parsed[] => {
  const own = ownSchema(json);
  if (own !== null) {
    const error = newerThanKnown(own, json['v']);
    if (error !== null) return [{ kind: 'newer', error, body }];
    return parseOwn(own, json, body);
  }
  if (json['Type'] === 'Notification' && typeof json['Message'] === 'string') {
    const inner = parsedJson(json['Message']);
    // Only one level of SNS wrapping is opened. SNS does not wrap twice, and a hostile message could be nested very deeply.
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

type Own = Extract<Schema, 'hint' | 'several' | 'announcement'>;

const ownSchema = (json: JsonRecord): Own | null => {
  const { 's3-replicator': name } = json;
  return name === 'hint' || name === 'several' || name === 'announcement' ? name : null;
};

const parseOwn = (own: Own, json: JsonRecord, body: string): Parsed[] => {
  if (own === 'hint') return [parseOwnHint(json, body)];
  if (own === 'several') return parseSeveral(json['messages'], body);
  const events = parseAnnouncement(json);
  return events === null
    ? [malformedPart('the announcement holds no events', body)]
    : [{ kind: 'announcement', events }];
};

/** Parses the bodies in one message. Only one level is opened, because a hostile message could be nested very deeply. */
const parseSeveral = (bodies: unknown, body: string): Parsed[] => {
  if (!Array.isArray(bodies) || bodies.length === 0)
    return [malformedPart('the message holds no messages', body)];
  return bodies.flatMap((each: unknown) => {
    const inner = typeof each === 'string' ? parsedJson(each) : null;
    if (typeof each === 'string' && isRecord(inner) && inner['s3-replicator'] !== 'several')
      return parseEnvelope(inner, each);
    return [malformedPart('a message in the message is no JSON object', asciiJson(each))];
  });
};

/**
 * Maximum characters of all texts of a hint. A key has at most 1,024 bytes, and so has a version id. The limit keeps a hostile hint from being
 * too large to be sent on.
 */
const MAX_HINT_CHARACTERS = 8_192;

/** Returns the part for a hint. `body` is the piece of the message that contains the hint. */
const hintPart = (hint: Hint, body: () => string): Parsed => {
  const { bucket, key, versionId, kind, identity, principalId, rule, destination, run } = hint;
  const texts = [bucket, key, versionId, kind, identity, principalId, rule, destination, run];
  const characters = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return characters <= MAX_HINT_CHARACTERS
    ? { kind: 'hint', hint }
    : malformedPart('its texts are longer than those of S3', body());
};

const parseS3Record = (record: unknown): Parsed => {
  const alone = (): string => asciiJson({ Records: [record] });
  if (!isRecord(record) || record['eventSource'] !== 'aws:s3')
    return malformedPart('not a record of S3', alone());
  const object = recordAt(record, 's3', 'object');
  const bucket = textOrNull(recordAt(record, 's3', 'bucket')?.['name']);
  const encodedKey = textOrNull(object?.['key']);
  if (bucket === null || encodedKey === null)
    return malformedPart('the record names no bucket or key', alone());
  const key = decodeFormKey(encodedKey);
  if (key === null) return malformedPart('the key is not form-encoded UTF-8', alone());
  return hintPart(
    {
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
    alone,
  );
};

/**
 * Parses an EventBridge event. EventBridge does not encode keys, and its fields are named differently from those of S3
 * notifications.
 */
const parseEventBridge = (json: JsonRecord, body: string): Parsed => {
  const detail = recordAt(json, 'detail');
  const object = recordAt(json, 'detail', 'object');
  const bucket = textOrNull(recordAt(json, 'detail', 'bucket')?.['name']);
  const key = textOrNull(object?.['key']);
  if (bucket === null || key === null)
    return malformedPart('the EventBridge event names no bucket or key', body);
  return hintPart(
    {
      bucket,
      key,
      versionId: textOrNull(object?.['version-id']),
      sizeBytes: countOrNull(object?.['size']),
      kind: kindOfEventBridge(textOrNull(json['detail-type']) ?? 'unknown', detail),
      identity: textOrNull(object?.['sequencer']) ?? textOrNull(detail?.['request-id']),
      // EventBridge gives the account or the principal of the requester, but not the session.
      principalId: textOrNull(detail?.['requester']),
      rule: null,
      destination: null,
      run: null,
    },
    () => body,
  );
};

/** Translates the name that EventBridge gives an event into S3's own name ("EventBridge event types", S3 User Guide). */
const kindOfEventBridge = (type: string, detail: JsonRecord | undefined): string => {
  const reason = textOrNull(detail?.['reason']);
  if (type === 'Object Created')
    return `ObjectCreated:${CREATED_BY.get(reason ?? '') ?? reason ?? 'unknown'}`;
  if (type === 'Object Deleted') {
    const marker = textOrNull(detail?.['deletion-type']) === 'Delete Marker Created';
    const cause = reason === 'Lifecycle Expiration' ? 'LifecycleExpiration' : 'ObjectRemoved';
    return `${cause}:${marker ? 'DeleteMarkerCreated' : 'Delete'}`;
  }
  // AWS does not document the end of this name yet.
  if (type.startsWith('Object Retention')) return 'ObjectRetention:Put';
  return KIND_OF_TYPE.get(type) ?? type;
};

// Maps and not objects, because the names come from input, and every object also has a member `constructor`.
const CREATED_BY: ReadonlyMap<string, string> = new Map([
  ['PutObject', 'Put'],
  ['POST Object', 'Post'],
  ['CopyObject', 'Copy'],
  ['CompleteMultipartUpload', 'CompleteMultipartUpload'],
]);

const KIND_OF_TYPE: ReadonlyMap<string, string> = new Map([
  ['Object Tags Added', 'ObjectTagging:Put'],
  ['Object Tags Deleted', 'ObjectTagging:Delete'],
  ['Object ACL Updated', 'ObjectAcl:Put'],
  ['Object Restore Completed', 'ObjectRestore:Completed'],
]);

const parseOwnHint = (json: JsonRecord, body: string): Parsed => {
  const chain = parseChain(json['chain']);
  const bucket = textOrNull(json['bucket']);
  const key = textOrNull(json['key']);
  if (bucket === null || key === null) return malformedPart('the hint names no bucket or key', body);
  return hintPart(
    {
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
      ...(chain === null ? {} : { chain }),
      ...(json['released'] === true ? { released: true } : {}),
      ...(typeof json['notBeforeMs'] === 'number' ? { notBeforeMs: json['notBeforeMs'] } : {}),
    },
    () => body,
  );
};

/**
 * Decodes a key in a notification. S3 encodes such keys as HTML forms do: `+` is a space, and everything else is percent-encoded
 * UTF-8. Returns null if the text is not encoded in this way.
 */
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
