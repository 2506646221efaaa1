/** Checks the permissions for writing an object. All operations that write an object use this check. */
import { authorize } from './access.ts';
import { authorizeKms } from './kms-access.ts';
import type { ObjectDescription } from '../model/object.ts';
import { header, type ObjectContext } from '../protocol/request.ts';
import { encryptionConditions, retentionConditions, tagConditions } from './request-conditions.ts';

/**
 * Throws AccessDenied unless the caller may write an object with this description. `creates` is true if the operation itself creates the
 * object. It becomes the condition key s3:ObjectCreationOperation, by which policies that require conditional writes exempt
 * CreateMultipartUpload and UploadPart.
 */
export const authorizeWrite = (
  context: ObjectContext,
  description: Pick<ObjectDescription, 'tags' | 'encryption' | 'lock'>,
  creates: boolean,
): void => {
  const { state, request, key } = context;
  const lock = retentionConditions(description.lock.retention, state.clock.now());
  const taggingHeader = header(request, 'x-amz-tagging') !== undefined;
  const conditions = {
    's3:objectcreationoperation': String(creates),
    ...encryptionConditions(request),
    ...lock,
    ...(taggingHeader ? tagConditions(description.tags) : {}),
  };
  authorize(context, 's3:PutObject', { key, conditions });
  if (taggingHeader) authorize(context, 's3:PutObjectTagging', { key, conditions });
  if (description.lock.retention !== null)
    authorize(context, 's3:PutObjectRetention', { key, conditions: lock });
  if (description.lock.legalHold !== null) authorize(context, 's3:PutObjectLegalHold', { key });
  if (namesAcl(context)) authorize(context, 's3:PutObjectAcl', { key });
  if (header(request, 'if-match') !== undefined) authorize(context, 's3:GetObject', { key });
  authorizeKms(context, 'kms:GenerateDataKey', description.encryption, context);
};

const namesAcl = (context: ObjectContext): boolean =>
  Object.keys(context.request.aws.headers).some(
    (name) => name === 'x-amz-acl' || name.startsWith('x-amz-grant-'),
  );
