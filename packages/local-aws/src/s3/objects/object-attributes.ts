/** GetObjectAttributes. Source: API_GetObjectAttributes.html. */
import { authorize } from '../access/access.ts';
import { checksumElement } from '../storage/checksums.ts';
import { checkCustomerKey } from '../access/customer-key.ts';
import { S3Error } from '../errors.ts';
import type { StoredObject } from '../model/object.ts';
import { authorizeDecrypt, findReadable, GET_OBJECT, requestedTarget } from '../access/read-target.ts';
import { header, type Answer, type ObjectContext, type S3Request } from '../protocol/request.ts';
import { versionHeader } from '../model/versions.ts';
import { xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const getObjectAttributes = (context: ObjectContext): Answer => {
  const { request, bucket, key } = context;
  const target = requestedTarget(context);
  const wanted = parseWanted(request);
  const object = findReadable(context, target, GET_OBJECT);
  authorize(
    context,
    target.versionId === undefined ? 's3:GetObjectAttributes' : 's3:GetObjectVersionAttributes',
    { key, object },
  );
  checkCustomerKey(request, object.encryption);
  authorizeDecrypt(context, target, object);
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/xml',
      'Last-Modified': new Date(object.lastModifiedMs).toUTCString(),
      ...versionHeader(bucket, object),
    },
    body: xmlDocument(
      'GetObjectAttributesResponse',
      wanted.has('ETag') ? xmlText('ETag', object.etag) : '',
      wanted.has('Checksum') ? renderChecksum(object) : '',
      wanted.has('ObjectParts') ? renderParts(request, object) : '',
      wanted.has('StorageClass') ? xmlText('StorageClass', object.storageClass) : '',
      wanted.has('ObjectSize') ? xmlText('ObjectSize', object.content.sizeBytes) : '',
    ),
  };
};

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

const parseWanted = (request: S3Request): Set<string> => {
  const text = header(request, 'x-amz-object-attributes') ?? '';
  const wanted = text.split(',').map((name) => name.trim());
  if (wanted.every((name) => ATTRIBUTES.includes(name))) return new Set(wanted);
  throw new S3Error('InvalidArgument', {
    message: 'Invalid attribute name specified.',
    elements: { ArgumentName: 'x-amz-object-attributes', ArgumentValue: text },
  });
};

const renderChecksum = (object: StoredObject): string =>
  xmlElement(
    'Checksum',
    // Only this operation returns a composite checksum without its suffix, which is the number of parts.
    xmlText(checksumElement(object.checksum.algorithm), object.checksum.value.replace(/-\d+$/, '')),
    xmlText('ChecksumType', object.checksum.type),
  );

/** Returns the ObjectParts element, with the number of parts of a multipart object and a page of those parts that have a checksum. */
const renderParts = (request: S3Request, object: StoredObject): string => {
  if (object.parts === null) return '';
  const marker = integerHeader(request, 'x-amz-part-number-marker') ?? 0;
  const maxParts = Math.min(integerHeader(request, 'x-amz-max-parts') ?? 1000, 1000);
  const described = object.parts.filter((part) => part.checksum !== null);
  const after = described.filter((part) => part.partNumber > marker);
  const page = after.slice(0, maxParts);
  const paging =
    described.length === 0
      ? ''
      : xmlText('PartNumberMarker', marker) +
        xmlText('NextPartNumberMarker', page.at(-1)?.partNumber ?? 0) +
        xmlText('MaxParts', maxParts) +
        xmlText('IsTruncated', after.length > page.length);
  const parts = page.map((part) =>
    xmlElement(
      'Part',
      xmlText('PartNumber', part.partNumber),
      xmlText('Size', part.sizeBytes),
      xmlText(checksumElement(object.checksum.algorithm), part.checksum),
    ),
  );
  return xmlElement('ObjectParts', xmlText('PartsCount', object.parts.length), paging, ...parts);
};

const integerHeader = (request: S3Request, name: string): number | undefined => {
  const text = header(request, name);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
};
