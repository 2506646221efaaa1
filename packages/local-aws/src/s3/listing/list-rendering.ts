/** XML elements and parameters that several listings share. */
import type { StoredObject } from '../model/object.ts';
import type { Upload } from '../model/upload.ts';
import { header, type S3Request } from '../protocol/request.ts';
import { S3Error } from '../errors.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import { formEncodeKey } from '../protocol/url-encoding.ts';
import { xmlElement, xmlText } from '../protocol/xml.ts';

/** True if the request has encoding-type=url. Throws InvalidArgument for any other encoding. */
export const wantsUrlEncoding = (request: S3Request): boolean => {
  const encoding = request.query.get('encoding-type');
  if (encoding === undefined || encoding === 'url') return encoding === 'url';
  throw new S3Error('InvalidArgument', {
    message: 'Invalid Encoding Method specified in Request',
    elements: { ArgumentName: 'encoding-type', ArgumentValue: encoding },
  });
};

export const encodeListed =
  (url: boolean) =>
  (text: string): string =>
    url ? formEncodeKey(text) : text;

export const ownerElement = (name: string, accountId: string): string =>
  xmlElement(name, xmlText('ID', canonicalUserId(accountId)));

/**
 * Returns the Initiator element, which names the caller that created an upload. Its ID is the canonical user id of an account, or an ARN.
 * For a role, it is the ARN of the session; API_Initiator.html describes users only.
 */
export const initiatorElement = ({ initiator }: Upload): string =>
  xmlElement('Initiator', xmlText('ID', initiator.id), xmlText('DisplayName', initiator.displayName));

/** Returns the condition keys for the query parameters of a listing. */
export const listConditions = (request: S3Request): Record<string, string> => {
  const conditions: Record<string, string> = {};
  for (const name of ['prefix', 'delimiter', 'max-keys']) {
    const value = request.query.get(name);
    if (value !== undefined) conditions[`s3:${name}`] = value;
  }
  return conditions;
};

/** True if x-amz-optional-object-attributes contains RestoreStatus. */
export const wantsRestoreStatus = (request: S3Request): boolean =>
  (header(request, 'x-amz-optional-object-attributes') ?? '')
    .split(',')
    .some((name) => name.trim() === 'RestoreStatus');

export const restoreStatus = ({ restore }: StoredObject): string => {
  if (restore === null) return '';
  return xmlElement(
    'RestoreStatus',
    xmlText('IsRestoreInProgress', restore.expiresMs === null),
    restore.expiresMs === null ? '' : xmlText('RestoreExpiryDate', new Date(restore.expiresMs).toISOString()),
  );
};
