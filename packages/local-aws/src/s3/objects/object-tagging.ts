/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */
import { authorize, tagConditions } from '../access/access.ts';
import type { StoredObject, Tag } from '../model/object.ts';
import { notify } from '../notifications/notifications.ts';
import { findReadable, requestedTarget } from '../access/read-target.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, ObjectContext } from '../protocol/request.ts';
import { parseTaggingDocument, renderTagging } from './tags.ts';
import { eventVersionId, hasVersionIds } from '../model/versions.ts';

export const getObjectTagging = (context: ObjectContext): Answer => {
  const object = find(context, 's3:GetObjectTagging', 's3:GetObjectVersionTagging');
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml', ...versionHeader(context, object) },
    body: renderTagging(object.tags),
  };
};

export const putObjectTagging = async (context: ObjectContext): Promise<Answer> => {
  const tags = parseTaggingDocument(await receiveText(context.request));
  const object = find(context, 's3:PutObjectTagging', 's3:PutObjectVersionTagging');
  authorizeTags(context, tags);
  object.tags = tags;
  announce(context, object, 'ObjectTagging:Put');
  return { status: 200, headers: versionHeader(context, object) };
};

export const deleteObjectTagging = (context: ObjectContext): Answer => {
  const object = find(context, 's3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging');
  object.tags = [];
  announce(context, object, 'ObjectTagging:Delete');
  return { status: 204, headers: versionHeader(context, object) };
};

const find = (context: ObjectContext, action: string, versionAction: string): StoredObject =>
  findReadable(context, requestedTarget(context), action, versionAction, 'not-allowed');

/** Judged again with the tags to be set, for policies about s3:RequestObjectTag. */
const authorizeTags = (context: ObjectContext, tags: Tag[]): void => {
  const named = context.request.query.has('versionId');
  const action = named ? 's3:PutObjectVersionTagging' : 's3:PutObjectTagging';
  authorize(context, action, { key: context.key, conditions: tagConditions(tags) });
};

const versionHeader = (context: ObjectContext, object: StoredObject): Record<string, string> =>
  hasVersionIds(context.bucket) ? { 'x-amz-version-id': object.versionId } : {};

const announce = (
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
