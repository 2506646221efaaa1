/** Tags of objects. */
import {
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { refused, refusedAs, same } from './difference.ts';
import { uploadInParts } from './upload-in-parts.ts';

const TAGGING = s3Guide('object-tagging');

const tagsOf = async ({ s3 }: Context, Bucket: string, Key: string, VersionId?: string) => {
  const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }));
  return (TagSet ?? []).map((tag) => `${tag.Key}=${tag.Value}`).toSorted();
};

export const tagsComeWithThePut = behaviour(
  'x-amz-tagging is a query string of tags; reads answer how many there are.',
  TAGGING,
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content', { Tagging: 'a=1&name=two+words%40&empty=' });
    same('tags', await tagsOf(context, Bucket, Key), ['a=1', 'empty=', 'name=two words@']);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    same('TagCount', head.TagCount, 3);
  },
);

export const tagsAreReplacedAsASet = behaviour(
  'PutObjectTagging replaces all tags, DeleteObjectTagging removes them; neither makes a version.',
  s3Api('API_PutObjectTagging'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'content', { Tagging: 'a=1' });
    const TagSet = [{ Key: 'b', Value: '2' }];
    const answer = await s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }));
    same('version', answer.VersionId, VersionId);
    same('tags', await tagsOf(context, Bucket, Key), ['b=2']);
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key }));
    same('tags after the deletion', await tagsOf(context, Bucket, Key), []);
    same('version id', (await s3.send(new HeadObjectCommand({ Bucket, Key }))).VersionId, VersionId);
  },
);

export const eachVersionHasItsOwnTags = behaviour(
  'Tags belong to a version; a new version begins without them.',
  TAGGING,
  async (context) => {
    const { bucket, key, put } = context;
    const Bucket = await bucket('Enabled');
    const Key = key();
    const { VersionId } = await put(Bucket, Key, 'first', { Tagging: 'a=1' });
    await put(Bucket, Key, 'second');
    same('of the first', await tagsOf(context, Bucket, Key, VersionId), ['a=1']);
    same('of the second', await tagsOf(context, Bucket, Key), []);
  },
);

export const tenTagsAtMost = behaviour('An object has at most 10 tags.', TAGGING, async (context) => {
  const { bucket, key, put } = context;
  const Bucket = await bucket('never');
  const tags = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=v`).join('&');
  await put(Bucket, key(), 'content', { Tagging: tags(10) });
  await refused('11 tags', put(Bucket, key(), 'content', { Tagging: tags(11) }), '400 BadRequest');
});

export const tagsMustBeValid = behaviour(
  'Two tags of one key, or a key of more than 128 characters, are 400 InvalidTag.',
  TAGGING,
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('never');
    const Key = key();
    await put(Bucket, Key, 'content');
    const set = (...keys: string[]) =>
      s3.send(
        new PutObjectTaggingCommand({
          Bucket,
          Key,
          Tagging: { TagSet: keys.map((name) => ({ Key: name, Value: 'v' })) },
        }),
      );
    await set('x'.repeat(128));
    await refused('long key', set('x'.repeat(129)), '400 InvalidTag');
    await refused('twice', set('a', 'a'), '400 InvalidTag');
  },
);

export const tagsOfNothingAreNoSuchKey = behaviour(
  'Tags of a key that is not there are 404 NoSuchKey.',
  s3Api('API_GetObjectTagging'),
  async (context) => {
    const attempt = tagsOf(context, await context.bucket('never'), context.key());
    await refused('GetObjectTagging', attempt, '404 NoSuchKey');
  },
);

export const tagsInTheHeaderMustBeValid = behaviour(
  'One tag twice in x-amz-tagging is 400, InvalidArgument or InvalidTag.',
  s3Api('API_PutObject'),
  async ({ bucket, key, put }) => {
    const Bucket = await bucket('never');
    const twice = put(Bucket, key(), 'content', { Tagging: 'a=1&a=2' });
    await refusedAs('twice', twice, ['400 InvalidArgument', '400 InvalidTag']);
  },
);

export const tagsComeWithTheUpload = behaviour(
  'The tags of a multipart object come with CreateMultipartUpload.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const Bucket = await context.bucket('never');
    const Key = context.key();
    const create = { Tagging: 'a=1&b=2' };
    await uploadInParts(context, { Bucket, Key }, [{ partNumber: 1, body: 'content' }], { create });
    same('tags', await tagsOf(context, Bucket, Key), ['a=1', 'b=2']);
  },
);

export const deleteMarkersHaveNoTags = behaviour(
  'Tags of a delete marker, named or current, are neither read nor written: 405 MethodNotAllowed.',
  s3Guide('DeleteMarker'),
  async (context) => {
    const { bucket, key, put, s3 } = context;
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'content', { Tagging: 'a=1' });
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const TagSet = [{ Key: 'b', Value: '2' }];
    for (const version of [{ VersionId }, {}]) {
      const which = version.VersionId === undefined ? 'current' : 'named';
      const read = s3.send(new GetObjectTaggingCommand({ Bucket, Key, ...version }));
      await refused(`reading, ${which}`, read, '405 MethodNotAllowed');
      const write = s3.send(new PutObjectTaggingCommand({ Bucket, Key, ...version, Tagging: { TagSet } }));
      await refused(`writing, ${which}`, write, '405 MethodNotAllowed');
    }
  },
);
