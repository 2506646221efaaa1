/** ListMultipartUploads. Source: API_ListMultipartUploads.html. */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import { orderKeyOf } from '../model/key-index.ts';
import { encodeListed, initiatorElement, ownerElement, wantsUrlEncoding } from '../listing/list-rendering.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Upload } from '../model/upload.ts';
import { ownerAccountOf } from '../access/ownership.ts';
import { integerParameter, type Answer, type BucketContext } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { listedDate, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const listMultipartUploads = (context: BucketContext): Answer => {
  const { request, bucket } = context;
  authorize(context, 's3:ListBucketMultipartUploads');
  const parameter = (name: string) => request.query.get(name) ?? '';
  const encode = encodeListed(wantsUrlEncoding(request));
  const max = Math.min(
    integerParameter(request, 'max-uploads', { min: 0, max: 2_147_483_647 }) ?? 1000,
    1000,
  );
  checkUploadIdMarker(bucket, parameter('key-marker'), parameter('upload-id-marker'));
  const page = pageOfUploads([...bucket.uploads.values()], {
    prefix: parameter('prefix'),
    delimiter: parameter('delimiter'),
    keyMarker: parameter('key-marker'),
    uploadIdMarker: parameter('upload-id-marker'),
    max,
  });
  return xmlAnswer(
    xmlDocument(
      'ListMultipartUploadsResult',
      xmlText('Bucket', bucket.name),
      xmlText('KeyMarker', encode(parameter('key-marker'))),
      xmlText('UploadIdMarker', parameter('upload-id-marker')),
      // The next markers name the last upload or common prefix of the page, even if the listing is not truncated.
      xmlText('NextKeyMarker', encode(page.lastKey)),
      xmlText('NextUploadIdMarker', page.lastUploadId),
      parameter('prefix') === '' ? '' : xmlText('Prefix', encode(parameter('prefix'))),
      parameter('delimiter') === '' ? '' : xmlText('Delimiter', encode(parameter('delimiter'))),
      wantsUrlEncoding(request) ? xmlText('EncodingType', 'url') : '',
      xmlText('MaxUploads', max),
      xmlText('IsTruncated', page.truncated),
      ...page.uploads.map((upload) => renderUpload(bucket, upload, encode)),
      ...page.commonPrefixes.map((prefix) => xmlElement('CommonPrefixes', xmlText('Prefix', encode(prefix)))),
    ),
  );
};

/** Throws InvalidArgument if the marker is an upload of another key. The id of an upload that no longer exists is valid. */
const checkUploadIdMarker = (bucket: Bucket, keyMarker: string, uploadIdMarker: string): void => {
  const upload = bucket.uploads.get(uploadIdMarker);
  if (keyMarker === '' || upload === undefined || upload.key === keyMarker) return;
  throw new S3Error('InvalidArgument', {
    message: 'Invalid uploadId marker',
    elements: { ArgumentName: 'upload-id-marker', ArgumentValue: uploadIdMarker },
  });
};

interface UploadPage {
  uploads: Upload[];
  commonPrefixes: string[];
  truncated: boolean;
  lastKey: string;
  lastUploadId: string;
}

const pageOfUploads = (
  all: Upload[],
  asked: { prefix: string; delimiter: string; keyMarker: string; uploadIdMarker: string; max: number },
): UploadPage => {
  const page: UploadPage = {
    uploads: [],
    commonPrefixes: [],
    truncated: false,
    lastKey: '',
    lastUploadId: '',
  };
  for (const upload of all.filter((one) => one.key.startsWith(asked.prefix)).sort(byKeyThenId)) {
    const group = commonPrefixOf(upload.key, asked.prefix, asked.delimiter);
    if (!isAfter(group ?? upload.key, upload.uploadId, asked)) continue;
    if (group !== null && page.commonPrefixes.includes(group)) continue;
    if (page.uploads.length + page.commonPrefixes.length >= asked.max) {
      page.truncated = asked.max > 0;
      break;
    }
    if (group !== null) {
      page.commonPrefixes.push(group);
      page.lastKey = group;
      page.lastUploadId = '';
      continue;
    }
    page.uploads.push(upload);
    page.lastKey = upload.key;
    page.lastUploadId = upload.uploadId;
  }
  return page;
};

const byKeyThenId = (a: Upload, b: Upload): number => {
  const [keyA, keyB] = [orderKeyOf(a.key), orderKeyOf(b.key)];
  if (keyA !== keyB) return keyA < keyB ? -1 : 1;
  return a.uploadId < b.uploadId ? -1 : 1;
};

const commonPrefixOf = (key: string, prefix: string, delimiter: string): string | null => {
  const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return at === -1 ? null : key.slice(0, at + delimiter.length);
};

/**
 * True if an upload comes after the markers. An upload of the key marker's own key comes after them only if its id is greater than the
 * upload id marker. Without an upload id marker, it never does.
 */
const isAfter = (
  key: string,
  uploadId: string,
  asked: { keyMarker: string; uploadIdMarker: string },
): boolean => {
  if (asked.keyMarker === '') return true;
  if (key === asked.keyMarker) return asked.uploadIdMarker !== '' && uploadId > asked.uploadIdMarker;
  return orderKeyOf(key) > orderKeyOf(asked.keyMarker);
};

const renderUpload = (bucket: Bucket, upload: Upload, encode: (key: string) => string): string =>
  xmlElement(
    'Upload',
    xmlText('Key', encode(upload.key)),
    xmlText('UploadId', upload.uploadId),
    initiatorElement(upload),
    ownerElement('Owner', ownerAccountOf(bucket, upload.description)),
    xmlText('StorageClass', upload.description.storageClass),
    xmlText('Initiated', listedDate(upload.initiatedMs)),
    upload.checksumPlan.requested
      ? xmlText('ChecksumAlgorithm', upload.checksumPlan.algorithm) +
          xmlText('ChecksumType', upload.checksumPlan.type)
      : '',
  );
