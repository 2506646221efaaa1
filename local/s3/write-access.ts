/** The permissions that writing an object takes, whichever operation begins it. */
import { authorize, authorizeKms, encryptionConditions, tagConditions } from './access.ts';
import type { ObjectDescription } from './model.ts';
import { header, type ObjectContext } from './request.ts';

/**
 * `creates` says whether the operation itself makes the object appear (s3:ObjectCreationOperation): policies that demand
 * conditional writes exempt CreateMultipartUpload and UploadPart by it.
 */
export const authorizeWrite = (
  context: ObjectContext,
  description: Pick<ObjectDescription, 'tags' | 'encryption'>,
  creates: boolean,
): void => {
  const { request, key } = context;
  const taggingHeader = header(request, 'x-amz-tagging') !== undefined;
  const conditions = {
    's3:objectcreationoperation': String(creates),
    ...encryptionConditions(request),
    ...(taggingHeader ? tagConditions(description.tags) : {}),
  };
  authorize(context, 's3:PutObject', { key, conditions });
  if (taggingHeader) authorize(context, 's3:PutObjectTagging', { key, conditions });
  if (namesAcl(context)) authorize(context, 's3:PutObjectAcl', { key });
  if (header(request, 'if-match') !== undefined) authorize(context, 's3:GetObject', { key });
  authorizeKms(context, 'kms:GenerateDataKey', description.encryption, key);
};

const namesAcl = (context: ObjectContext): boolean =>
  Object.keys(context.request.aws.headers).some(
    (name) => name === 'x-amz-acl' || name.startsWith('x-amz-grant-'),
  );
