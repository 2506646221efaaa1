/** The filter of a lifecycle rule or a tiering configuration. Source: API_LifecycleRuleFilter.html. */
import { S3Error } from '../errors.ts';
import type { ObjectFilter } from '../model/configuration.ts';
import type { Tag } from '../model/object.ts';
import { childOf, childrenOf, textOf, xmlElement, xmlText, type XmlNode } from '../protocol/xml.ts';

export const EVERYTHING: ObjectFilter = {
  prefix: '',
  tags: [],
  largerThanBytes: null,
  smallerThanBytes: null,
};

/** True if the filter matches. For a delete marker, `object` is null, and only a filter without tags and sizes can match. */
export const matchesFilter = (
  filter: ObjectFilter,
  key: string,
  object: { tags: Tag[]; sizeBytes: number } | null,
): boolean => {
  const { prefix, tags, largerThanBytes, smallerThanBytes } = filter;
  if (!key.startsWith(prefix)) return false;
  if (object === null) return tags.length === 0 && largerThanBytes === null && smallerThanBytes === null;
  return (
    tags.every((tag) => object.tags.some(({ Key, Value }) => Key === tag.Key && Value === tag.Value)) &&
    (largerThanBytes === null || object.sizeBytes > largerThanBytes) &&
    (smallerThanBytes === null || object.sizeBytes < smallerThanBytes)
  );
};

/** Reads a Filter element, which contains one condition or an And element with several. Throws MalformedXML or InvalidRequest. */
export const parseFilter = (node: XmlNode | undefined): ObjectFilter => {
  if (node === undefined) return EVERYTHING;
  if (node.children.length > 1) throw new S3Error('MalformedXML');
  const conditions = childOf(node, 'And') ?? node;
  const tags = childrenOf(conditions, 'Tag').map((tag) => ({
    Key: textOf(tag, 'Key') ?? '',
    Value: textOf(tag, 'Value') ?? '',
  }));
  return checkedFilter({
    prefix: textOf(conditions, 'Prefix') ?? '',
    tags,
    largerThanBytes: bytesOf(textOf(conditions, 'ObjectSizeGreaterThan')),
    smallerThanBytes: bytesOf(textOf(conditions, 'ObjectSizeLessThan')),
  });
};

export const checkedFilter = (filter: ObjectFilter): ObjectFilter => {
  if (new Set(filter.tags.map((tag) => tag.Key)).size < filter.tags.length)
    throw new S3Error('InvalidRequest', { message: 'Duplicate Tag Keys are not allowed.' });
  return filter;
};

export const renderFilter = (filter: ObjectFilter): string => {
  const { prefix, tags, largerThanBytes, smallerThanBytes } = filter;
  const conditions = [
    ...(prefix === '' ? [] : [xmlText('Prefix', prefix)]),
    ...tags.map(({ Key, Value }) => xmlElement('Tag', xmlText('Key', Key), xmlText('Value', Value))),
    ...(largerThanBytes === null ? [] : [xmlText('ObjectSizeGreaterThan', largerThanBytes)]),
    ...(smallerThanBytes === null ? [] : [xmlText('ObjectSizeLessThan', smallerThanBytes)]),
  ];
  if (conditions.length > 1) return xmlElement('Filter', xmlElement('And', ...conditions));
  return xmlElement('Filter', conditions[0] ?? xmlText('Prefix', ''));
};

const bytesOf = (text: string | undefined): number | null => {
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text.trim())) throw new S3Error('MalformedXML');
  return Number(text.trim());
};
