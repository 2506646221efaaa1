/** DeleteObject and DeleteObjects. Sources: API_DeleteObject.html, API_DeleteObjects.html. */
import { authorize } from '../access/access.ts';
import { bypassesGovernance, checkBypassHeader } from '../access/bypass-governance.ts';
import { judgeDelete } from './conditional.ts';
import { S3Error } from '../errors.ts';
import { parseBodyClaims } from '../protocol/integrity.ts';
import { notify } from '../notifications/notifications.ts';
import { EMPTY_MD5 } from '../notifications/occurrence.ts';
import { isProtected, protectedError } from '../model/object-lock.ts';
import { checkVersionId, isVersionId } from '../access/read-target.ts';
import { receiveText } from '../protocol/receive.ts';
import {
  accountOf,
  header,
  type Answer,
  type BucketContext,
  type ObjectContext,
} from '../protocol/request.ts';
import {
  deleteCurrent,
  deleteVersion,
  eventVersionId,
  findVersion,
  hasVersionIds,
  type Deletion,
} from '../model/versions.ts';
import {
  childrenOf,
  parseXml,
  textOf,
  xmlDocument,
  xmlElement,
  xmlText,
  type XmlNode,
} from '../protocol/xml.ts';

interface DeleteOrder {
  key: string;
  versionId: string | undefined;
  ifMatch: string | undefined;
}

export const deleteObject = (context: ObjectContext): Answer => {
  const { request, key } = context;
  const versionId = request.query.get('versionId');
  if (versionId !== undefined) checkVersionId(versionId);
  for (const name of ['x-amz-if-match-last-modified-time', 'x-amz-if-match-size', 'x-amz-mfa'])
    if (header(request, name) !== undefined) throw unsupportedHeader(name);
  const deletion = carryOut(context, { key, versionId, ifMatch: header(request, 'if-match') });
  return { status: 204, headers: deletionHeaders(context, deletion, versionId) };
};

export const deleteObjects = async (context: BucketContext): Promise<Answer> => {
  const { request } = context;
  if (header(request, 'content-md5') === undefined && parseBodyClaims(request).checksum === null)
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    });
  const root = parseXml(await receiveText(request), 'Delete');
  checkBypassHeader(context);
  const orders = childrenOf(root, 'Object');
  if (orders.length === 0 || orders.length > 1000) throw new S3Error('MalformedXML');
  const quiet = textOf(root, 'Quiet')?.trim() === 'true';
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: xmlDocument('DeleteResult', ...orders.map((order) => deleteOne(context, parseOrder(order), quiet))),
  };
};

/** Returns the error for the headers of MFA delete, and for conditions that S3 supports only in directory buckets. */
const unsupportedHeader = (name: string): S3Error =>
  new S3Error('NotImplemented', { elements: { Header: name } });

const parseOrder = (node: XmlNode): DeleteOrder => {
  const key = textOf(node, 'Key');
  if (key === undefined || key === '') throw new S3Error('MalformedXML');
  for (const name of ['LastModifiedTime', 'Size'])
    if (textOf(node, name) !== undefined) throw unsupportedHeader(name);
  return { key, versionId: textOf(node, 'VersionId'), ifMatch: textOf(node, 'ETag') };
};

const deleteOne = (context: BucketContext, order: DeleteOrder, quiet: boolean): string => {
  try {
    if (order.versionId !== undefined && !isVersionId(order.versionId)) throw new S3Error('NoSuchVersion');
    const deletion = carryOut(context, order);
    return quiet ? '' : renderDeleted(order, deletion);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return xmlElement(
      'Error',
      xmlText('Key', order.key),
      xmlText('VersionId', order.versionId),
      xmlText('Code', error.code),
      xmlText('Message', error.message),
    );
  }
};

const renderDeleted = (order: DeleteOrder, deletion: Deletion): string => {
  const marker =
    deletion.kind === 'marker-created'
      ? deletion.marker
      : deletion.kind === 'removed' &&
          deletion.version.kind === 'delete-marker' &&
          order.versionId !== undefined
        ? deletion.version
        : null;
  return xmlElement(
    'Deleted',
    xmlText('Key', order.key),
    xmlText('VersionId', order.versionId),
    marker === null ? '' : xmlText('DeleteMarker', true) + xmlText('DeleteMarkerVersionId', marker.versionId),
  );
};

const carryOut = (context: BucketContext, order: DeleteOrder): Deletion => {
  const { state, request, bucket } = context;
  const { key, versionId, ifMatch } = order;
  const conditions = {
    ...(ifMatch === undefined ? {} : { 's3:if-match': ifMatch }),
    ...(versionId === undefined ? {} : { 's3:versionid': versionId }),
  };
  authorize(context, versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', {
    key,
    conditions,
  });
  if (ifMatch !== undefined && ifMatch !== '*') authorize(context, 's3:GetObject', { key });
  judgeDelete(bucket, key, ifMatch);
  refuseProtected(context, order);
  const deletion =
    versionId === undefined
      ? deleteCurrent(state, bucket, key, accountOf(request.aws.caller))
      : deleteVersion(bucket, key, versionId);
  notifyDeletion(context, key, deletion);
  return deletion;
};

/** Throws AccessDenied if the deletion would remove a locked version. A delete marker may be added, because it removes nothing. */
const refuseProtected = (context: BucketContext, { key, versionId }: DeleteOrder): void => {
  const { state, bucket } = context;
  const bypass = bypassesGovernance(context, key);
  const version = versionId === undefined ? undefined : findVersion(bucket, key, versionId);
  if (version?.kind === 'object' && isProtected(version.lock, state.clock.now(), bypass))
    throw protectedError();
};

const notifyDeletion = (context: BucketContext, key: string, deletion: Deletion): void => {
  if (deletion.kind === 'nothing') return;
  const { state, request, bucket } = context;
  const created = deletion.kind === 'marker-created';
  const version = created ? deletion.marker : deletion.version;
  notify(state, bucket, {
    event: created ? 'ObjectRemoved:DeleteMarkerCreated' : 'ObjectRemoved:Delete',
    reason: 'DeleteObject',
    key,
    versionId: eventVersionId(bucket, version.versionId),
    ...(created ? { etag: EMPTY_MD5 } : {}),
    origin: request.aws,
  });
};

const deletionHeaders = (
  context: ObjectContext,
  deletion: Deletion,
  versionId: string | undefined,
): Record<string, string> => {
  if (deletion.kind === 'marker-created')
    return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': deletion.marker.versionId };
  if (versionId === undefined || !hasVersionIds(context.bucket)) return {};
  const wasMarker = deletion.kind === 'removed' && deletion.version.kind === 'delete-marker';
  return { 'x-amz-version-id': versionId, ...(wasMarker ? { 'x-amz-delete-marker': 'true' } : {}) };
};
