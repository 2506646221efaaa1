/** ListObjectsV2 and ListObjects. Sources: API_ListObjectsV2.html, API_ListObjects.html. */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import {
  encodeListed,
  listConditions,
  ownerElement,
  restoreStatus,
  wantsRestoreStatus,
  wantsUrlEncoding,
} from './list-rendering.ts';
import { walk } from './walk.ts';
import type { Bucket } from '../model/bucket.ts';
import type { KeyEntry } from '../model/key.ts';
import type { StoredObject } from '../model/object.ts';
import { ownerAccountOf } from '../access/ownership.ts';
import { integerParameter, type Answer, type BucketContext } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { listedDate, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const listObjectsV2 = (context: BucketContext): Answer => {
  const { request, bucket } = context;
  authorize(context, 's3:ListBucket', { conditions: listConditions(request) });
  const parameter = (name: string) => request.query.get(name) ?? '';
  const token = request.query.get('continuation-token');
  const maxKeys = maxKeysOf(context);
  const url = wantsUrlEncoding(request);
  const encode = encodeListed(url);
  const page = pageOfObjects(bucket, {
    prefix: parameter('prefix'),
    delimiter: parameter('delimiter'),
    after: token === undefined ? parameter('start-after') : decodeToken(token),
    maxKeys,
  });
  const withOwner = parameter('fetch-owner') === 'true';
  return listAnswer(
    xmlText('Name', bucket.name),
    xmlText('Prefix', encode(parameter('prefix'))),
    parameter('start-after') === '' ? '' : xmlText('StartAfter', encode(parameter('start-after'))),
    xmlText('ContinuationToken', token),
    xmlText('NextContinuationToken', page.truncated ? encodeToken(page.last) : null),
    xmlText('KeyCount', page.objects.length + page.commonPrefixes.length),
    xmlText('MaxKeys', maxKeys),
    parameter('delimiter') === '' ? '' : xmlText('Delimiter', encode(parameter('delimiter'))),
    url ? xmlText('EncodingType', 'url') : '',
    xmlText('IsTruncated', page.truncated),
    ...page.objects.map((listed) => renderObject(context, listed, encode, withOwner)),
    ...page.commonPrefixes.map((prefix) => xmlElement('CommonPrefixes', xmlText('Prefix', encode(prefix)))),
  );
};

export const listObjectsV1 = (context: BucketContext): Answer => {
  const { request, bucket } = context;
  authorize(context, 's3:ListBucket', { conditions: listConditions(request) });
  const parameter = (name: string) => request.query.get(name) ?? '';
  const maxKeys = maxKeysOf(context);
  const url = wantsUrlEncoding(request);
  const encode = encodeListed(url);
  const page = pageOfObjects(bucket, {
    prefix: parameter('prefix'),
    delimiter: parameter('delimiter'),
    after: parameter('marker'),
    maxKeys,
  });
  const hasDelimiter = parameter('delimiter') !== '';
  return listAnswer(
    xmlText('Name', bucket.name),
    xmlText('Prefix', encode(parameter('prefix'))),
    xmlText('Marker', encode(parameter('marker'))),
    page.truncated && hasDelimiter ? xmlText('NextMarker', encode(page.last)) : '',
    xmlText('MaxKeys', maxKeys),
    hasDelimiter ? xmlText('Delimiter', encode(parameter('delimiter'))) : '',
    url ? xmlText('EncodingType', 'url') : '',
    xmlText('IsTruncated', page.truncated),
    ...page.objects.map((listed) => renderObject(context, listed, encode, true)),
    ...page.commonPrefixes.map((prefix) => xmlElement('CommonPrefixes', xmlText('Prefix', encode(prefix)))),
  );
};

/** Returns the number of keys that the request asks for. The default and the maximum are 1,000. */
export const maxKeysOf = (context: BucketContext): number =>
  Math.min(integerParameter(context.request, 'max-keys', { min: 0, max: 2_147_483_647 }) ?? 1000, 1000);

interface Listed {
  key: string;
  object: StoredObject;
}

interface ObjectPage {
  objects: Listed[];
  commonPrefixes: string[];
  truncated: boolean;
  /** The last key or common prefix of the page. */
  last: string;
}

const pageOfObjects = (
  bucket: Bucket,
  asked: { prefix: string; delimiter: string; after: string; maxKeys: number },
): ObjectPage => {
  const page: ObjectPage = { objects: [], commonPrefixes: [], truncated: false, last: '' };
  if (asked.maxKeys === 0) return page;
  for (const item of walk(bucket, asked, isCurrent)) {
    if (page.objects.length + page.commonPrefixes.length === asked.maxKeys) {
      page.truncated = true;
      break;
    }
    if (item.kind === 'prefix') {
      page.commonPrefixes.push(item.prefix);
      page.last = item.prefix;
      continue;
    }
    const object = item.entry.versions[0];
    if (object?.kind === 'object') page.objects.push({ key: item.entry.key, object });
    page.last = item.entry.key;
  }
  return page;
};

const isCurrent = (entry: KeyEntry): boolean => entry.versions[0]?.kind === 'object';

const renderObject = (
  { request, bucket }: BucketContext,
  listed: Listed,
  encode: (key: string) => string,
  withOwner: boolean,
): string =>
  xmlElement(
    'Contents',
    ...objectElements(listed.key, listed.object, encode),
    withOwner ? ownerElement('Owner', ownerAccountOf(bucket, listed.object)) : '',
    wantsRestoreStatus(request) ? restoreStatus(listed.object) : '',
  );

/** Returns the XML elements that describe an object version in a listing. */
export const objectElements = (
  key: string,
  object: StoredObject,
  encode: (key: string) => string,
): string[] => [
  xmlText('Key', encode(key)),
  xmlText('LastModified', listedDate(object.lastModifiedMs)),
  xmlText('ETag', `"${object.etag}"`),
  xmlText('ChecksumAlgorithm', object.checksum.algorithm),
  xmlText('ChecksumType', object.checksum.type),
  xmlText('Size', object.content.sizeBytes),
  xmlText('StorageClass', object.storageClass),
];

const listAnswer = (...children: string[]): Answer => xmlAnswer(xmlDocument('ListBucketResult', ...children));

const encodeToken = (key: string): string => Buffer.from(`1:${key}`).toString('base64');

const decodeToken = (token: string): string => {
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (text.startsWith('1:')) return text.slice(2);
  throw new S3Error('InvalidArgument', {
    message: 'The continuation token provided is incorrect',
    elements: { ArgumentName: 'continuation-token' },
  });
};
