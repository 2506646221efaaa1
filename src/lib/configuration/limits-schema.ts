/** The options of `replication.yml` that limit runs, and their resolved form. */
import * as z from 'zod';
import { LEAST_REQUESTS_PER_SECOND, parseHours, type RunLimits } from '../model/run-limits.ts';
import { byteSize, integer, optionBlock } from './fields.ts';
import { timeZone } from './verify-schema.ts';

const HOURS_ADVICE =
  'give the hours at which runs may work, in quotes like "22:00-06:00", or remove the line: they may work always';

export const LIMIT_OPTIONS = {
  maxRequestsPerSecond: integer(
    `give how many requests to S3 all workers of a run may make each second together, ${LEAST_REQUESTS_PER_SECOND} or more, or remove the line`,
    LEAST_REQUESTS_PER_SECOND,
    1_000_000,
  ).optional(),
  maxBytesPerSecond: byteSize(
    'give how many bytes may be copied for a run each second, like 50MB or 50MiB, or remove the line',
    1e13,
  )
    .refine((bytes) => bytes > 0, { error: 'give at least one byte' })
    .optional(),
  hours: z
    .string()
    .refine((text) => parseHours(text) !== null, { error: HOURS_ADVICE })
    .describe(HOURS_ADVICE)
    .optional(),
  timeZone,
};

export const limitsBlock = optionBlock(
  'write limits of the runs of this rule as a block with any of `maxRequestsPerSecond:`, `maxBytesPerSecond:`, `hours:` and `timeZone:`, or remove it: those under `backfill:` count then',
  LIMIT_OPTIONS,
);

type LimitsShape = z.output<typeof limitsBlock>;

/** Returns the limits of a rule's runs. The limits of the rule take precedence over those of the section `backfill`. */
export const toLimits = (ofAll: LimitsShape, ofRule: LimitsShape | undefined): RunLimits => {
  const owner = ofRule?.hours === undefined ? ofAll : ofRule;
  const hours = owner.hours === undefined ? null : parseHours(owner.hours);
  return {
    requestsPerSecond: ofRule?.maxRequestsPerSecond ?? ofAll.maxRequestsPerSecond ?? null,
    bytesPerSecond: ofRule?.maxBytesPerSecond ?? ofAll.maxBytesPerSecond ?? null,
    hours: hours === null ? null : { ...hours, timeZone: owner.timeZone },
  };
};
