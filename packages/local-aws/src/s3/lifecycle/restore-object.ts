/**
 * RestoreObject. A restore makes a copy of an archived object available after some hours and deletes the copy after some days.
 *
 * Sources: API_RestoreObject.html; Amazon S3 User Guide "Understanding archive retrieval options"
 * (restoring-objects-retrieval-options.html). The local S3 uses the longest retrieval times that the user guide gives.
 */
import { isArchived } from './archive.ts';
import { S3Error } from '../errors.ts';
import type { Restore, RestoreTier, StoredObject } from '../model/object.ts';
import { notify } from '../notifications/notifications.ts';
import { findReadable, requestedTarget, type ReadActions } from '../access/read-target.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, ObjectContext } from '../protocol/request.ts';
import { midnightAfter, scheduleAt } from './schedule.ts';
import { eventVersionId } from '../model/versions.ts';
import { childOf, parseXml, textOf } from '../protocol/xml.ts';

/**
 * Starts or changes a restore. Returns 202 if a restore begins or becomes faster, and 200 if only the expiry of a restored copy changes.
 */
export const restoreObject = async (context: ObjectContext): Promise<Answer> => {
  const { state } = context;
  const body = await receiveText(context.request);
  const object = findReadable(context, requestedTarget(context), RESTORE_OBJECT);
  const asked = parseRestoreRequest(body);
  if (!isArchived(object))
    throw new S3Error('InvalidObjectState', {
      message: "Restore is not allowed for the object's current storage class",
      elements: { StorageClass: object.storageClass },
    });
  checkDays(object, asked.days);
  const nowMs = state.clock.now();
  const completesMs = nowMs + durationMs(object, asked.tier);
  const { restore } = object;
  if (restore !== null && restore.expiresMs !== null) {
    restore.expiresMs = midnightAfter(nowMs, asked.days ?? 0);
    scheduleAt(state.pending, restore.expiresMs);
    return { status: 200 };
  }
  if (restore !== null && SPEED.indexOf(asked.tier) <= SPEED.indexOf(restore.tier))
    throw new S3Error('RestoreAlreadyInProgress');
  begin(context, object, { ...asked, completesMs, expiresMs: null });
  return { status: 202 };
};

const RESTORE_OBJECT: ReadActions = { current: 's3:RestoreObject', version: 's3:RestoreObject' };

/** The retrieval tiers, slowest first. A request during a restore has an effect only if its tier is faster. */
const SPEED: RestoreTier[] = ['Bulk', 'Standard', 'Expedited'];

const HOUR_MS = 3_600_000;
const DURATIONS: Record<'archive' | 'deep-archive', Record<RestoreTier, number | null>> = {
  archive: { Expedited: HOUR_MS / 12, Standard: 5 * HOUR_MS, Bulk: 12 * HOUR_MS },
  'deep-archive': { Expedited: null, Standard: 12 * HOUR_MS, Bulk: 48 * HOUR_MS },
};

const durationMs = (object: StoredObject, tier: RestoreTier): number => {
  const isDeep = object.storageClass === 'DEEP_ARCHIVE' || object.archiveTier === 'DEEP_ARCHIVE_ACCESS';
  const duration = DURATIONS[isDeep ? 'deep-archive' : 'archive'][tier];
  if (duration !== null) return duration;
  throw new S3Error('InvalidArgument', {
    message: 'Retrieval option is not supported by this storage class',
    elements: { ArgumentName: 'Tier', ArgumentValue: tier },
  });
};

/** Checks the number of days. It is required for archived storage classes and forbidden for Intelligent-Tiering. */
const checkDays = (object: StoredObject, days: number | null): void => {
  if ((days === null) !== (object.archiveTier !== null)) throw new S3Error('MalformedXML');
  if (days !== null && days < 1)
    throw new S3Error('InvalidArgument', {
      message: 'restoration days should be at least 1',
      elements: { ArgumentName: 'Days', ArgumentValue: String(days) },
    });
};

const parseRestoreRequest = (body: string): { tier: RestoreTier; days: number | null } => {
  if (body.trim() === '') return { tier: 'Standard', days: null };
  const root = parseXml(body, 'RestoreRequest');
  for (const name of ['Type', 'SelectParameters', 'OutputLocation'])
    if (childOf(root, name) !== undefined)
      throw new S3Error('NotImplemented', { message: 'The local S3 does not select from archives' });
  const parameters = childOf(root, 'GlacierJobParameters');
  const named = (parameters && textOf(parameters, 'Tier')) ?? textOf(root, 'Tier') ?? 'Standard';
  const tier = SPEED.find((one) => one === named.trim());
  const days = textOf(root, 'Days')?.trim();
  if (tier === undefined || (days !== undefined && !/^-?\d{1,9}$/.test(days)))
    throw new S3Error('MalformedXML');
  return { tier, days: days === undefined ? null : Number(days) };
};

const begin = (context: ObjectContext, object: StoredObject, restore: Restore): void => {
  const { state, request, bucket, key } = context;
  const isFirst = object.restore === null;
  object.restore = restore;
  scheduleAt(state.pending, restore.completesMs);
  if (!isFirst) return;
  state.pending.restores.add({ bucket, key, object });
  notify(state, bucket, {
    event: 'ObjectRestore:Post',
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    sizeBytes: object.content.sizeBytes,
    sourceStorageClass: object.storageClass,
    origin: request.aws,
  });
};
