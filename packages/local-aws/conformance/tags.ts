/** Behaviours of object tags. */
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
  'PutObject reads tags from the query string in x-amz-tagging, and HeadObject returns the number of tags.',
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
  'PutObjectTagging replaces all tags and DeleteObjectTagging removes them, and neither creates a version.',
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
  'Each version has its own tags, and a new version starts without tags.',
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
  'PutObjectTagging fails with 400 InvalidTag if a tag key occurs twice or has more than 128 characters.',
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
  'GetObjectTagging of a missing key fails with 404 NoSuchKey.',
  s3Api('API_GetObjectTagging'),
  async (context) => {
    const attempt = tagsOf(context, await context.bucket('never'), context.key());
    await refused('GetObjectTagging', attempt, '404 NoSuchKey');
  },
);

export const tagsInTheHeaderMustBeValid = behaviour(
  'PutObject fails with 400 InvalidArgument or InvalidTag if x-amz-tagging contains a tag key twice.',
  s3Api('API_PutObject'),
  async ({ bucket, key, put }) => {
    const Bucket = await bucket('never');
    const twice = put(Bucket, key(), 'content', { Tagging: 'a=1&a=2' });
    await refusedAs('twice', twice, ['400 InvalidArgument', '400 InvalidTag']);
  },
);

export const tagsComeWithTheUpload = behaviour(
  'CreateMultipartUpload determines the tags of the completed object.',
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
  'GetObjectTagging and PutObjectTagging of a delete marker fail with 405 MethodNotAllowed, with or without its version id.',
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
