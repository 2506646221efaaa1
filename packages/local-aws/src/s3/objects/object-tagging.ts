/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
import { tagConditions } from '../access/request-conditions.ts';
import type { StoredObject, Tag } from '../model/object.ts';
import { notify } from '../notifications/notifications.ts';
import { findReadable, requestedTarget } from '../access/read-target.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, ObjectContext } from '../protocol/request.ts';
import { parseTaggingDocument, renderTagging } from './tags.ts';
import { eventVersionId, versionHeader } from '../model/versions.ts';

export const getObjectTagging = (context: ObjectContext): Answer => {
  const object = findTagged(context, {
    current: 's3:GetObjectTagging',
    version: 's3:GetObjectVersionTagging',
  });
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...versionHeader(context.bucket, object) },
    body: renderTagging(object.tags),
  };
};

export const putObjectTagging = async (context: ObjectContext): Promise<Answer> => {
  const tags = parseTaggingDocument(await receiveText(context.request));
  const actions = { current: 's3:PutObjectTagging', version: 's3:PutObjectVersionTagging' };
  const object = findTagged(context, actions, tags);
  object.tags = tags;
  notifyTagging(context, object, 'ObjectTagging:Put');
  return { status: 200, headers: versionHeader(context.bucket, object) };
};

export const deleteObjectTagging = (context: ObjectContext): Answer => {
  const object = findTagged(context, {
    current: 's3:DeleteObjectTagging',
    version: 's3:DeleteObjectVersionTagging',
  });
  object.tags = [];
  notifyTagging(context, object, 'ObjectTagging:Delete');
  return { status: 204, headers: versionHeader(context.bucket, object) };
};

/**
 * Finds the object and checks the permission. `tags` are the tags in the request, because policies can have
 * conditions on them.
 */
const findTagged = (
  context: ObjectContext,
  actions: { current: string; version: string },
  tags: Tag[] = [],
): StoredObject =>
  findReadable(context, requestedTarget(context), { ...actions, hidden: 'not-allowed' }, tagConditions(tags));

const notifyTagging = (
  context: ObjectContext,
  object: StoredObject,
  event: 'ObjectTagging:Put' | 'ObjectTagging:Delete',
): void => {
  const { state, request, bucket, key } = context;
  notify(state, bucket, {
    event,
    reason: '',
    key,
    versionId: eventVersionId(bucket, object.versionId),
    etag: object.etag,
    origin: request.aws,
  });
};
