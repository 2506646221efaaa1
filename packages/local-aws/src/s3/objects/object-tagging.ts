/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
import { authorize, tagConditions } from '../access/access.ts';
import type { StoredObject, Tag } from '../model/object.ts';
import { notify } from '../notifications/notifications.ts';
import { findReadable, requestedTarget } from '../access/read-target.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, ObjectContext } from '../protocol/request.ts';
import { parseTaggingDocument, renderTagging } from './tags.ts';
import { eventVersionId, versionHeader } from '../model/versions.ts';

export const getObjectTagging = (context: ObjectContext): Answer => {
  const object = findTagged(context, 's3:GetObjectTagging', 's3:GetObjectVersionTagging');
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...versionHeader(context.bucket, object) },
    body: renderTagging(object.tags),
  };
};

export const putObjectTagging = async (context: ObjectContext): Promise<Answer> => {
  const tags = parseTaggingDocument(await receiveText(context.request));
  const object = findTagged(context, 's3:PutObjectTagging', 's3:PutObjectVersionTagging');
  authorizeTags(context, tags);
  object.tags = tags;
  notifyTagging(context, object, 'ObjectTagging:Put');
  return { status: 200, headers: versionHeader(context.bucket, object) };
};

export const deleteObjectTagging = (context: ObjectContext): Answer => {
  const object = findTagged(context, 's3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging');
  object.tags = [];
  notifyTagging(context, object, 'ObjectTagging:Delete');
  return { status: 204, headers: versionHeader(context.bucket, object) };
};

const findTagged = (context: ObjectContext, action: string, versionAction: string): StoredObject =>
  findReadable(context, requestedTarget(context), {
    current: action,
    version: versionAction,
    hidden: 'not-allowed',
  });

/** Authorises the request again with the new tags, because policies may have conditions on s3:RequestObjectTag. */
const authorizeTags = (context: ObjectContext, tags: Tag[]): void => {
  const named = context.request.query.has('versionId');
  const action = named ? 's3:PutObjectVersionTagging' : 's3:PutObjectTagging';
  authorize(context, action, { key: context.key, conditions: tagConditions(tags) });
};

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
