/** The shape of `verify` in a rule of `replication.yml`, and its resolved form. */
import * as z from 'zod';
import { isTimeZone, minutesOf } from '../model/local-time.ts';
import type { VerifySchedule } from '../model/rule.ts';
import { integer, oneOf, optionBlock, pattern } from './fields.ts';

const EVERY_ADVICE = 'give how often both sides are compared, in days: `every: 7d` (1d to 365d)';

export const timeZone = z
  .string()
  .refine(isTimeZone, {
    error: 'give a time zone of IANA like Europe/Berlin, or remove the line: the times are UTC then',
  })
  .describe('The time zone of the times, like Europe/Berlin.')
  .default('UTC');

const DOLLARS_ADVICE =
  'give how many US$ one verify may cost: it is refused if the estimate is higher, and stopped when it has used more';

export const verifyBlock = optionBlock(
  'write when both sides are compared as a block with `every:` and, if you like, `at:` and `timeZone:`, or remove it',
  {
    every: pattern(EVERY_ADVICE, /^([1-9]\d?|[12]\d\d|3[0-5]\d|36[0-5])d$/),
    at: z
      .string()
      .refine((text) => (minutesOf(text) ?? 24 * 60) < 24 * 60, {
        error: 'give the time of day at which the verify begins, in quotes like "03:00"',
      })
      .describe('The time of day at which the verify begins, like "03:00".')
      .default('03:00'),
    timeZone,
    attributes: oneOf(
      'write `listed` (only what listings show is compared) or `all` (headers, metadata, tags, object lock and ACL too, with several requests for each key)',
      ['listed', 'all'],
    ).default('listed'),
    maxRequests: integer(
      'give how many requests to S3 one verify may make: it is refused if the estimate is higher, and stopped when it has made more',
      1,
      1e12,
    ).optional(),
    maxDollars: z
      .number({ error: DOLLARS_ADVICE })
      .positive({ error: DOLLARS_ADVICE })
      .max(1e6, { error: DOLLARS_ADVICE })
      .describe(DOLLARS_ADVICE)
      .default(10),
  },
);

export const toVerify = (shape: z.output<typeof verifyBlock> | undefined): VerifySchedule | null =>
  shape === undefined
    ? null
    : {
        everyDays: Number.parseInt(shape.every, 10),
        atMinutes: minutesOf(shape.at) ?? 0,
        timeZone: shape.timeZone,
        attributes: shape.attributes,
        maxRequests: shape.maxRequests ?? null,
        maxDollars: shape.maxDollars,
      };
