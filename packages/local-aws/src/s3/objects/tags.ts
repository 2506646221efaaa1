/**
 * Parses and renders the tags of objects and buckets, which a header or a document contains.
 *
 * Source: Amazon S3 User Guide "Categorizing your storage using tags" (object-tagging.html).
 */
import { S3Error } from '../errors.ts';
import type { Tag } from '../model/object.ts';
import { parseQuery } from '../protocol/request.ts';
import {
  childOf,
  childrenOf,
  parseXml,
  textOf,
  xmlDocument,
  xmlElement,
  xmlText,
  type XmlNode,
} from '../protocol/xml.ts';

const MAX_OBJECT_TAGS = 10;

/** Parses the form-encoded x-amz-tagging header, for example `a=1&b=2`. Throws InvalidArgument or InvalidTag. */
export const parseTaggingHeader = (text: string | undefined): Tag[] => {
  if (text === undefined || text === '') return [];
  const pairs = text.split('&');
  const tags = [...parseQuery(text)].map(([Key, Value]) => ({ Key, Value }));
  if (tags.length !== pairs.length)
    throw new S3Error('InvalidArgument', {
      message:
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      elements: { ArgumentName: 'x-amz-tagging', ArgumentValue: text },
    });
  if (tags.length > MAX_OBJECT_TAGS) throw tooMany();
  return checkTags(tags);
};

const tooMany = (): S3Error =>
  new S3Error('BadRequest', { message: 'Object tags cannot be greater than 10' });

/** Reads the Tagging document of an object. Throws MalformedXML, InvalidTag or BadRequest. */
export const parseTaggingDocument = (body: string): Tag[] => {
  const set = childOf(parseXml(body, 'Tagging'), 'TagSet');
  if (set === undefined) throw new S3Error('MalformedXML');
  const tags = tagSetOf(set);
  if (tags.length > MAX_OBJECT_TAGS) throw tooMany();
  return checkTags(tags);
};

/**
 * Reads the Tagging document of a bucket. A bucket may have more tags than an object. Throws the same errors as
 * {@link parseTaggingDocument}.
 */
export const parseBucketTagging = (body: string): Tag[] => {
  const set = childOf(parseXml(body, 'Tagging'), 'TagSet');
  if (set === undefined) throw new S3Error('MalformedXML');
  return checkBucketTags(set);
};

/** Reads the tags in the CreateBucketConfiguration document. Throws the same errors as {@link parseBucketTagging}. */
export const parseTagsOfNewBucket = (configuration: XmlNode | undefined): Tag[] => {
  const set = configuration && childOf(configuration, 'Tags');
  return set === undefined ? [] : checkBucketTags(set);
};

const checkBucketTags = (set: XmlNode): Tag[] => {
  const tags = tagSetOf(set);
  if (tags.length > MAX_BUCKET_TAGS)
    throw new S3Error('BadRequest', { message: 'Bucket tag count cannot be greater than 50' });
  return checkTags(tags);
};

const tagSetOf = (set: XmlNode): Tag[] =>
  childrenOf(set, 'Tag').map((tag) => ({ Key: textOf(tag, 'Key') ?? '', Value: textOf(tag, 'Value') ?? '' }));

const MAX_BUCKET_TAGS = 50;

export const renderTagging = (tags: Tag[]): string =>
  xmlDocument(
    'Tagging',
    xmlElement(
      'TagSet',
      ...tags.map((tag) => xmlElement('Tag', xmlText('Key', tag.Key), xmlText('Value', tag.Value))),
    ),
  );

const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const checkTags = (tags: Tag[]): Tag[] => {
  const keys = new Set<string>();
  for (const { Key, Value } of tags) {
    if (Key === '' || Key.length > 128 || !ALLOWED.test(Key) || Key.startsWith('aws:'))
      throw new S3Error('InvalidTag', {
        message: 'The TagKey you have provided is invalid',
        elements: { TagKey: Key },
      });
    if (Value.length > 256 || !ALLOWED.test(Value))
      throw new S3Error('InvalidTag', {
        message: 'The TagValue you have provided is invalid',
        elements: { TagKey: Key, TagValue: Value },
      });
    if (keys.has(Key))
      throw new S3Error('InvalidTag', {
        message: 'Cannot provide multiple Tags with the same key',
        elements: { TagKey: Key },
      });
    keys.add(Key);
  }
  return tags;
};
