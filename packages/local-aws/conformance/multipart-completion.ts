/** CompleteMultipartUpload: which parts it accepts, and what it refuses. */
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import { refused, refusedAs, same } from './difference.ts';
import { PART_BYTES } from './upload-in-parts.ts';
import { startUpload } from './started-upload.ts';

const COMPLETE = s3Api('API_CompleteMultipartUpload');

export const aCompletionMayLeavePartsOut = behaviour(
  'CompleteMultipartUpload builds the object from the parts that it lists and drops the other parts.',
  COMPLETE,
  async (context) => {
    const upload = await startUpload(context);
    await upload.part(1, 'dropped');
    const kept = await upload.part(2, 'kept');
    await upload.part(3, 'dropped too');
    await upload.complete([kept]);
    same('body', await context.read(upload.Bucket, upload.Key), 'kept');
  },
);

export const aPartThatWasNotUploadedIsInvalid = behaviour(
  'CompleteMultipartUpload fails with 400 InvalidPart if it lists a part that was not uploaded or a wrong ETag.',
  COMPLETE,
  async (context) => {
    const upload = await startUpload(context);
    const part = await upload.part(1, 'content');
    await refused('missing part', upload.complete([{ ...part, PartNumber: 2 }]), '400 InvalidPart');
    const other = { PartNumber: 1, ETag: '"00000000000000000000000000000000"' };
    await refused('other ETag', upload.complete([other]), '400 InvalidPart');
  },
);

export const partsMustBeInOrder = behaviour(
  'CompleteMultipartUpload fails with 400 InvalidPartOrder if it does not list the parts in ascending order.',
  COMPLETE,
  async (context) => {
    const upload = await startUpload(context);
    const last = await upload.part(1, 'small');
    // The small part comes last in this list, so it is not refused for its size. The only error in the
    // request is the order of the parts.
    const parts = [await upload.part(2, 'a'.repeat(PART_BYTES)), last];
    await refused('reversed', upload.complete(parts), '400 InvalidPartOrder');
  },
);

export const onlyTheLastPartMayBeSmall = behaviour(
  'CompleteMultipartUpload fails with 400 EntityTooSmall if a part other than the last is smaller than 5 MiB.',
  s3Guide('qfacts'),
  async (context) => {
    const upload = await startUpload(context);
    const parts = [await upload.part(1, 'first'), await upload.part(2, 'second')];
    await refused('completion', upload.complete(parts), '400 EntityTooSmall');
  },
);

export const aCompletionNeedsParts = behaviour(
  'CompleteMultipartUpload without parts fails with 400 MalformedXML or InvalidRequest.',
  s3Api('ErrorResponses'),
  async (context) => {
    const upload = await startUpload(context);
    await upload.part(1, 'content');
    await refusedAs('completion', upload.complete([]), ['400 MalformedXML', '400 InvalidRequest']);
  },
);

export const aCompletionMayBeSentAgain = behaviour(
  'CompleteMultipartUpload returns the same ETag when it is repeated after a success.',
  COMPLETE,
  async (context) => {
    const upload = await startUpload(context);
    const parts = [await upload.part(1, 'content')];
    const first = await upload.complete(parts);
    same('ETag', (await upload.complete(parts)).ETag, first.ETag);
  },
);

export const aCompletionKnowsTheSizeItExpects = behaviour(
  'CompleteMultipartUpload fails with 400 InvalidRequest if MpuObjectSize is not the size of the object.',
  COMPLETE,
  async (context) => {
    const upload = await startUpload(context);
    const parts = [await upload.part(1, 'content')];
    await refused('another size', upload.complete(parts, { MpuObjectSize: 8 }), '400 InvalidRequest');
    await upload.complete(parts, { MpuObjectSize: 7 });
    same('body', await context.read(upload.Bucket, upload.Key), 'content');
  },
);
