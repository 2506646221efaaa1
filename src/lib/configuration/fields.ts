/**
 * The kinds of values in `replication.yml`. Each of these functions takes a sentence that describes the right value. The sentence
 * is the description in the JSON schema and the advice in the error message.
 */
import * as z from 'zod';
import { parseByteSize } from '../text/byte-size.ts';
import { isBucketName } from './aws-syntax.ts';

export const pattern = (advice: string, accepts: RegExp): z.ZodString =>
  z.string({ error: advice }).regex(accepts, { error: advice }).describe(advice);

export const oneOf = <const T extends readonly [string, ...string[]]>(advice: string, values: T) =>
  z.enum(values, { error: advice }).describe(advice);

export const integer = (advice: string, minimum: number, maximum: number): z.ZodNumber =>
  z.int({ error: advice }).min(minimum, { error: advice }).max(maximum, { error: advice }).describe(advice);

/**
 * Returns the schema of a size: a whole number of bytes, or a text with a unit. The checked value is always the number of bytes.
 */
export const byteSize = (advice: string, maximumBytes: number) =>
  z
    .union(
      [
        z.int({ error: advice }).min(0, { error: advice }).max(maximumBytes, { error: advice }),
        z.string().meta({ pattern: '^[0-9]+(\\.[0-9]+)? ?([kKMGT]?B|[KMGT]iB)?$' }),
      ],
      {
        error: advice,
      },
    )
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : parseByteSize(value);
      if (typeof bytes === 'number' && bytes >= 0 && bytes <= maximumBytes) return bytes;
      context.addIssue({ code: 'custom', message: typeof bytes === 'string' ? bytes : advice });
      return z.NEVER;
    })
    .describe(advice);

export const optionBlock = <T extends z.ZodRawShape>(
  advice: string,
  shape: T,
): z.ZodObject<T, z.core.$strict> =>
  z
    .strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? advice : undefined) })
    .describe(advice);

export const id = (advice: string): z.ZodString => pattern(advice, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

export const bucket = (advice: string) =>
  z.string({ error: advice }).refine(isBucketName, { error: advice }).describe(advice);

/**
 * Returns the schema of a part of a key. S3 limits keys to 1,024 bytes of UTF-8. `${` is not allowed, because the Serverless
 * framework would interpret it as a variable.
 */
export const keyPart = (advice: string) =>
  z
    .string({ error: advice })
    .refine((value) => Buffer.byteLength(value) <= 1024 && !value.includes('${'), { error: advice })
    .describe(advice);

/** https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html */
export const tagMap = (maximum: number, tooMany: string, description: string) =>
  z
    .record(
      z.string().regex(/^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/iu, {
        error: 'a tag key has 1–128 letters, digits, spaces and _.:/=+-@, and does not begin with aws:',
      }),
      pattern(
        'a tag value has at most 256 letters, digits, spaces and _.:/=+-@, in quotes if it looks like a number',
        /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u,
      ),
      { error: 'write tags as `key: value`, one a line' },
    )
    .refine((value) => Object.keys(value).length <= maximum, { error: tooMany })
    .describe(description);
