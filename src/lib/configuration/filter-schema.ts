/** The shape of `filter` and `exclude` in `replication.yml`, and their resolved form. */
import * as z from 'zod';
import type { Exclusion, Filter } from '../model/rule.ts';
import { byteSize, keyPart, optionBlock, tagMap } from './fields.ts';

/** The size of 10,000 parts of 5 GiB. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const LARGEST_OBJECT_BYTES = 10_000 * 5 * 2 ** 30;

export const filterBlock = optionBlock(
  'write the filter as a block with `tags:`, `minimumBytes:` or `maximumBytes:`, or remove it',
  {
    tags: tagMap(
      10,
      'S3 allows 10 tags on an object: with more than 10 here no object could have them all',
      'Tags an object must have, all of them.',
    ).default({}),
    minimumBytes: byteSize(
      `give the size of the smallest object to replicate, in bytes or like 5MB (5,000,000 bytes) or 5MiB (5,242,880 bytes), at most ${LARGEST_OBJECT_BYTES / 2 ** 30}GiB (the largest object S3 stores), or remove the line`,
      LARGEST_OBJECT_BYTES,
    ).optional(),
    maximumBytes: byteSize(
      `give the size of the largest object to replicate, in bytes or like 5MB (5,000,000 bytes) or 5MiB (5,242,880 bytes), at most ${LARGEST_OBJECT_BYTES / 2 ** 30}GiB (the largest object S3 stores), or remove the line`,
      LARGEST_OBJECT_BYTES,
    ).optional(),
  },
);

const EXCLUDE_ADVICE =
  'list what to leave out, each line with any of `prefix:`, `suffix:`, `tags:`, `minimumBytes:` and `maximumBytes:`, or remove it; all conditions of a line have to hold';

export const excludeBlock = optionBlock(EXCLUDE_ADVICE, {
  prefix: keyPart(
    'give the beginning of the keys to leave out, at most 1,024 bytes and without ${, or remove the line',
  ).optional(),
  suffix: keyPart(
    'give the end of the keys to leave out, at most 1,024 bytes and without ${, or remove the line',
  ).optional(),
  tags: tagMap(
    10,
    'S3 allows 10 tags on an object: with more than 10 here no object could have them all',
    'Tags of the objects to leave out. An object that has all of them is left out.',
  ).default({}),
  minimumBytes: byteSize(
    'give the size of the smallest object to leave out, in bytes or like 5MB or 5MiB, or remove the line',
    LARGEST_OBJECT_BYTES,
  ).optional(),
  maximumBytes: byteSize(
    'give the size of the largest object to leave out, in bytes or like 5MB or 5MiB, or remove the line',
    LARGEST_OBJECT_BYTES,
  ).optional(),
});

export const excludeList = z
  .array(excludeBlock, { error: EXCLUDE_ADVICE })
  .describe(
    'Objects that are not replicated, whatever `filter` says: those that any of these lines describes.',
  )
  .default([]);

type ExclusionShape = z.output<typeof excludeBlock>;

export const toFilter = ({
  tags,
  minimumBytes,
  maximumBytes,
}: Omit<ExclusionShape, 'prefix' | 'suffix'>): Filter => ({
  tags,
  minimumBytes: minimumBytes ?? null,
  maximumBytes: maximumBytes ?? null,
});

export const toExclusion = ({ prefix, suffix, ...conditions }: ExclusionShape): Exclusion => ({
  prefix: prefix ?? '',
  suffix: suffix ?? '',
  ...toFilter(conditions),
});
