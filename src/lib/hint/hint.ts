/**
 * Hints: "this key changed, look at it". This file parses every kind of message in which a hint can arrive, so that the rest of
 * the code does not deal with raw events.
 */

import { parseChain, type TransferChain } from '../model/chain.ts';
import { countOrNull, isRecord, type JsonRecord, parsedJson, textOrNull } from '../model/json.ts';
import type { ReplicationError } from '../model/errors.ts';
import { newerThanKnown, type Schema, schemaField } from '../model/schemas.ts';
import type { ReplicaEvent } from '../model/replica-event.ts';
import type { Concern } from '../model/task.ts';
import { parseAnnouncement } from './announcement.ts';
import { asciiJson } from './ascii-json.ts';

/** One key to look at. Only `bucket` and `key` are needed for correctness. Most of the other fields serve to save work. */
export interface Hint {
  bucket: string;
  /** The decoded key, exactly as S3 stores it. */
  key: string;
  versionId: string | null;
  sizeBytes: number | null;
  /**
   * S3's own name of the event, e.g. `ObjectCreated:Put`, even if EventBridge uses another name. Our own hints have the kind
   * `hint`. If a run has found a difference, the kind of its hint is `extra`, `repair` or `rewrite` (see `isExtra`, `concernOf`, `REWRITE`). The hints
   * of a transfer have the kind `transferred`.
   */
  kind: string;
  /**
   * Identifies the event. Two deliveries of the same event have the same identity. The identity is the sequencer, or S3's request
   * id if the event has no sequencer. If the event has neither, the identity is null, and the id of the SQS message is used
   * instead.
   */
  identity: string | null;
  /** The principal that changed the object (`userIdentity.principalId`); null: unknown. */
  principalId: string | null;
  /**
   * The rule and destination to which the hint is limited; null: all. After a failure at one destination, the hint is limited to
   * that destination, so that the work at the others is not repeated.
   */
  rule: string | null;
  destination: string | null;
  /** The id of the run that sent the hint; null: none. */
  run: string | null;
  /** How often transfers of the key have begun anew, if a transfer sent the hint. */
  chain?: TransferChain;
  /** Whether an operator has released the key, which the brake held. */
  released?: true;
  /** The time before which a hint of a run may not be worked on, because of the rate of the run. Milliseconds since the epoch. */
  notBeforeMs?: number;
}

export const concernOf = ({ kind }: Pick<Hint, 'kind'>): Concern => {
  if (kind === REPAIR) return 'attributes';
  if (kind === REWRITE) return 'bytes';
  if (kind === TRANSFERRED || kind.startsWith('ObjectTagging:')) return 'tags';
  if (kind.startsWith('ObjectRetention:')) return 'lock';
  return kind.startsWith('ObjectAcl:') ? 'acl' : 'content';
};

/**
 * Returns true if the absence of the key means that the object was deleted. In a versioned bucket absence alone does not mean
 * this, because the versions may have expired or may have been deleted permanently. Only a delete marker proves a deletion there.
 * In a bucket without versions, the events have no version id, and any event proves that the key existed. If the key is absent
 * now, the object was therefore deleted.
 */
export const absenceIsDeletion = ({ kind, versionId }: Pick<Hint, 'kind' | 'versionId'>): boolean =>
  versionId === null && (/^(Object|LifecycleExpiration)/.test(kind) || isExtra({ kind }));

/** Returns true if S3 Lifecycle made the change. */
export const isExpiration = ({ kind }: Pick<Hint, 'kind'>): boolean => kind.startsWith('LifecycleExpiration');

/**
 * Returns true if a run found a replica without a source object. The operator of that run has confirmed that such replicas are to
 * be deleted.
 */
export const isExtra = ({ kind }: Pick<Hint, 'kind'>): boolean => kind === 'extra';

/** Returns true if only runs send hints of this kind. They are accepted from the queue of runs alone. */
export const isOfRun = ({ kind }: Pick<Hint, 'kind'>): boolean =>
  isExtra({ kind }) || kind === REPAIR || kind === REWRITE;

/**
 * Returns the hint in the form in which this queue may deliver it. Outside the queue of runs, a hint with a kind of runs only
 * causes a look at its key. Otherwise whoever can put a message into another queue could delete a replica without the confirmation
 * of the run.
 */
export const acceptedFrom = (queue: string, hint: Hint): Hint =>
  queue !== 'backfill' && isOfRun(hint) ? { ...hint, kind: 'hint' } : hint;

/** The kind of a hint about a replica that has the content of its source version, but other attributes. */
export const REPAIR = 'repair';

/** The kind of a hint about a replica whose bytes were read and differ, although a digest or its stamp says that they do not. */
export const REWRITE = 'rewrite';

/**
 * The kind of a hint that a transfer sends. The transfer read the tags when it began, so they are compared once more. The number
 * of tags alone does not show that they have changed.
 */
export const TRANSFERRED = 'transferred';

/**
 * The kind of a hint about one version that was passed over. The run did not send this hint, so it does not count it as one of its
 * failed hints.
 */
export const PASSED_OVER_KIND = 'passed-over';

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

/**
 * Returns the SQS message body for one of our own hints. The body is pure ASCII, because SQS refuses some characters that keys
 * may contain.
 */
export const formatHint = (hint: Hint): string =>
  asciiJson({ 's3-replicator': 'hint', ...schemaField('hint'), ...hint });

/** Returns the SQS message body for several bodies, which are ASCII. Each of them is processed like a message of its own. */
export const formatSeveral = (bodies: readonly string[]): string =>
  asciiJson({ 's3-replicator': 'several', ...schemaField('several'), messages: bodies });

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

/** Only one level is opened, because a hostile message could be nested very deeply. */
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

/** `body` is the piece of the message that contains the hint. */
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

// Maps, because these names are input: every object has a `constructor`, too.
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
