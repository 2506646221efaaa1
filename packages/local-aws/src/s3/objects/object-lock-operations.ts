/**
 * GetObjectRetention, PutObjectRetention, GetObjectLegalHold and PutObjectLegalHold.
 *
 * Sources: API_PutObjectRetention.html, API_PutObjectLegalHold.html; Amazon S3 User Guide "Managing Object Lock",
 * according to which S3 sends events about retentions but not about legal holds.
 */
import type { ContextValue } from '../../core/access.ts';
import { bypassesGovernance } from '../access/bypass-governance.ts';
import { S3Error } from '../errors.ts';
import type { StoredObject } from '../model/object.ts';
import {
  eventHold,
  isRetentionMode,
  mayReplaceRetention,
  parseInstant,
  protectedError,
  type Retention,
} from '../model/object-lock.ts';
import { notify } from '../notifications/notifications.ts';
import { findReadable, requestedTarget } from '../access/read-target.ts';
import { retentionConditions } from '../access/request-conditions.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, ObjectContext } from '../protocol/request.ts';
import { eventVersionId, versionHeader } from '../model/versions.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { childOf, parseXml, textOf, xmlDocument, xmlText, type XmlNode } from '../protocol/xml.ts';

export const getObjectRetention = (context: ObjectContext): Answer => {
  const object = findLockable(context, 's3:GetObjectRetention');
  const { retention } = object.lock;
  if (retention === null) throw new S3Error('NoSuchObjectLockConfiguration');
  return xmlAnswer(
    xmlDocument(
      'Retention',
      xmlText('Mode', retention.mode),
      xmlText('RetainUntilDate', new Date(retention.untilMs).toISOString()),
    ),
    versionHeader(context.bucket, object),
  );
};

export const putObjectRetention = async (context: ObjectContext): Promise<Answer> => {
  const { state, request } = context;
  const body = await receiveText(request);
  const nowMs = state.clock.now();
  const next = parseRetentionDocument(parseXml(body, 'Retention'), nowMs);
  const object = findLockable(context, 's3:PutObjectRetention', retentionConditions(next, nowMs));
  const bypass = bypassesGovernance(context, context.key);
  if (!mayReplaceRetention(object.lock.retention, next, nowMs, bypass)) throw protectedError();
  object.lock = { ...object.lock, retention: next };
  notifyRetention(context, object, next);
  return { status: 200 };
};

const notifyRetention = (context: ObjectContext, object: StoredObject, next: Retention | null): void => {
  const { state, request, bucket, key } = context;
  notify(state, bucket, {
    event: 'ObjectRetention:Put',
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    ...(next === null ? {} : { retention: next }),
    origin: request.aws,
  });
};

/** Parses a Retention document. Returns null for an empty document, which removes the retention. */
const parseRetentionDocument = (root: XmlNode, nowMs: number): Retention | null => {
  if (root.children.length === 0) return null;
  if (childOf(root, 'EventHold') !== undefined) throw eventHold();
  const mode = textOf(root, 'Mode')?.trim();
  const text = textOf(root, 'RetainUntilDate')?.trim() ?? '';
  const untilMs = parseInstant(text);
  if (!isRetentionMode(mode) || untilMs === null) throw new S3Error('MalformedXML');
  if (untilMs <= nowMs)
    throw new S3Error('InvalidArgument', {
      message: 'The retain until date must be in the future!',
      elements: { ArgumentName: 'RetainUntilDate', ArgumentValue: text },
    });
  return { mode, untilMs };
};

export const getObjectLegalHold = (context: ObjectContext): Answer => {
  const object = findLockable(context, 's3:GetObjectLegalHold');
  if (object.lock.legalHold === null) throw new S3Error('NoSuchObjectLockConfiguration');
  return xmlAnswer(
    xmlDocument('LegalHold', xmlText('Status', object.lock.legalHold)),
    versionHeader(context.bucket, object),
  );
};

export const putObjectLegalHold = async (context: ObjectContext): Promise<Answer> => {
  const body = await receiveText(context.request);
  const status = textOf(parseXml(body, 'LegalHold'), 'Status')?.trim();
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML');
  const object = findLockable(context, 's3:PutObjectLegalHold', { 's3:object-lock-legal-hold': status });
  object.lock = { ...object.lock, legalHold: status };
  return { status: 200 };
};

/**
 * Finds the version that the request names. Unlike reads, these operations require the same permission for the
 * current version and for a named version.
 */
const findLockable = (
  context: ObjectContext,
  action: string,
  conditions?: Record<string, ContextValue>,
): StoredObject => {
  const actions = { current: action, version: action };
  const object = findReadable(context, requestedTarget(context), actions, conditions);
  if (context.bucket.objectLock === null)
    throw new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' });
  return object;
};
