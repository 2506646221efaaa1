/** ListObjectVersions. Source: API_ListObjectVersions.html. */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import { maxKeysOf, objectElements } from './list-objects.ts';
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
import type { Version } from '../model/object.ts';
import { ownerAccountOf } from '../access/ownership.ts';
import { checkVersionId } from '../access/read-target.ts';
import type { Answer, BucketContext } from '../protocol/request.ts';
import { orderOfVersionId } from '../model/version-id.ts';
import { listedDate, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const listObjectVersions = (context: BucketContext): Answer => {
  const { request, bucket } = context;
  authorize(context, 's3:ListBucketVersions', { conditions: listConditions(request) });
  const parameter = (name: string) => request.query.get(name) ?? '';
  const versionIdMarker = request.query.get('version-id-marker');
  checkMarkers(parameter('key-marker'), versionIdMarker);
  const url = wantsUrlEncoding(request);
  const encode = encodeListed(url);
  const maxKeys = maxKeysOf(context);
  const page = pageOfVersions(bucket, {
    prefix: parameter('prefix'),
    delimiter: parameter('delimiter'),
    keyMarker: parameter('key-marker'),
    versionIdMarker: versionIdMarker === undefined || versionIdMarker === '' ? null : versionIdMarker,
    maxKeys,
  });
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: xmlDocument(
      'ListVersionsResult',
      xmlText('Name', bucket.name),
      xmlText('Prefix', encode(parameter('prefix'))),
      xmlText('KeyMarker', encode(parameter('key-marker'))),
      xmlText('VersionIdMarker', versionIdMarker ?? ''),
      page.truncated ? xmlText('NextKeyMarker', encode(page.lastKey)) : '',
      page.truncated && page.lastVersionId !== null ? xmlText('NextVersionIdMarker', page.lastVersionId) : '',
      xmlText('MaxKeys', maxKeys),
      parameter('delimiter') === '' ? '' : xmlText('Delimiter', encode(parameter('delimiter'))),
      url ? xmlText('EncodingType', 'url') : '',
      xmlText('IsTruncated', page.truncated),
      ...page.versions.map((listed) => renderVersion(context, listed, encode)),
      ...page.commonPrefixes.map((prefix) => xmlElement('CommonPrefixes', xmlText('Prefix', encode(prefix)))),
    ),
  };
};

const checkMarkers = (keyMarker: string, versionIdMarker: string | undefined): void => {
  if (versionIdMarker === undefined) return;
  if (keyMarker !== '') {
    if (versionIdMarker !== '') checkVersionId(versionIdMarker);
    return;
  }
  throw new S3Error('InvalidArgument', {
    message: 'A version-id marker cannot be specified without a key marker.',
    elements: { ArgumentName: 'version-id-marker', ArgumentValue: versionIdMarker },
  });
};

interface ListedVersion {
  key: string;
  version: Version;
  isLatest: boolean;
}

interface VersionPage {
  versions: ListedVersion[];
  commonPrefixes: string[];
  truncated: boolean;
  lastKey: string;
  lastVersionId: string | null;
}

interface PageRequest {
  prefix: string;
  delimiter: string;
  keyMarker: string;
  versionIdMarker: string | null;
  maxKeys: number;
}

const pageOfVersions = (bucket: Bucket, asked: PageRequest): VersionPage => {
  const page: VersionPage = {
    versions: [],
    commonPrefixes: [],
    truncated: false,
    lastKey: '',
    lastVersionId: null,
  };
  if (asked.maxKeys === 0) return page;
  for (const item of itemsOf(bucket, asked)) {
    if (page.versions.length + page.commonPrefixes.length === asked.maxKeys) {
      page.truncated = true;
      break;
    }
    if (typeof item === 'string') {
      page.commonPrefixes.push(item);
      page.lastKey = item;
      page.lastVersionId = null;
    } else {
      page.versions.push(item);
      page.lastKey = item.key;
      page.lastVersionId = item.version.versionId;
    }
  }
  return page;
};

/** Yields the versions and common prefixes after the markers. The newest version of a key comes first. */
function* itemsOf(bucket: Bucket, asked: PageRequest): Iterable<ListedVersion | string> {
  const { prefix, delimiter, keyMarker: after, versionIdMarker } = asked;
  const inclusive = versionIdMarker !== null;
  for (const item of walk(bucket, { prefix, delimiter, after, inclusive }, () => true)) {
    if (item.kind === 'prefix') {
      yield item.prefix;
      continue;
    }
    const { key, versions } = item.entry;
    const start = inclusive && key === after ? indexBehind(versions, versionIdMarker) : 0;
    for (let index = start; index < versions.length; index += 1) {
      const version = versions[index];
      if (version !== undefined) yield { key, version, isLatest: index === 0 };
    }
  }
}

/** Returns the index of the first version after the marker. Even if the marker's version was deleted, its id tells where it was. */
const indexBehind = (versions: Version[], versionIdMarker: string): number => {
  const found = versions.findIndex((version) => version.versionId === versionIdMarker);
  if (found !== -1) return found + 1;
  const order = orderOfVersionId(versionIdMarker) ?? Number.POSITIVE_INFINITY;
  const older = versions.findIndex((version) => version.order < order);
  return older === -1 ? versions.length : older;
};

const renderVersion = (
  { request, bucket }: BucketContext,
  listed: ListedVersion,
  encode: (key: string) => string,
): string => {
  const { key, version, isLatest } = listed;
  const owner = ownerElement('Owner', ownerAccountOf(bucket, version));
  if (version.kind === 'object')
    return xmlElement(
      'Version',
      ...objectElements(key, version, encode),
      xmlText('VersionId', version.versionId),
      xmlText('IsLatest', isLatest),
      owner,
      wantsRestoreStatus(request) ? restoreStatus(version) : '',
    );
  return xmlElement(
    'DeleteMarker',
    xmlText('Key', encode(key)),
    xmlText('VersionId', version.versionId),
    xmlText('IsLatest', isLatest),
    xmlText('LastModified', listedDate(version.lastModifiedMs)),
    owner,
  );
};
