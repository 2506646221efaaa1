/** Parses the property LifecycleConfiguration of AWS::S3::Bucket. Source: AWS::S3::Bucket Rule (aws-properties-s3-bucket-rule.html). */
import { z } from 'zod';
import { checkRules, newRuleId, refuseTransitions } from './lifecycle-configuration.ts';
import { checkedFilter } from './object-filter.ts';
import { parseInstant } from '../model/object-lock.ts';
import type { Expiration, LifecycleRule } from '../model/configuration.ts';

/** Converts the property to rules. Throws a ZodError or the errors of PutBucketLifecycleConfiguration. */
export const lifecycleOfProperties = (given: unknown): LifecycleRule[] => {
  if (given === undefined || given === null) return [];
  const rules = configurationSchema.parse(given).Rules.map(ruleOf);
  checkRules(rules);
  return rules;
};

/** An integer property. A template may contain a number or a string, such as 7 or "7". */
const integerProperty = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);
const booleanProperty = z.union([
  z.boolean(),
  z.enum(['true', 'false']).transform((text) => text === 'true'),
]);

const ruleSchema = z.strictObject({
  Id: z.string().optional(),
  Status: z.enum(['Enabled', 'Disabled']),
  Prefix: z.string().optional(),
  TagFilters: z.array(z.strictObject({ Key: z.string(), Value: z.string() })).optional(),
  ObjectSizeGreaterThan: integerProperty.optional(),
  ObjectSizeLessThan: integerProperty.optional(),
  ExpirationInDays: integerProperty.optional(),
  ExpirationDate: z.string().optional(),
  ExpiredObjectDeleteMarker: booleanProperty.optional(),
  NoncurrentVersionExpirationInDays: integerProperty.optional(),
  NoncurrentVersionExpiration: z
    .strictObject({ NoncurrentDays: integerProperty, NewerNoncurrentVersions: integerProperty.optional() })
    .optional(),
  AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: integerProperty }).optional(),
  Transition: z.unknown().optional(),
  Transitions: z.unknown().optional(),
  NoncurrentVersionTransition: z.unknown().optional(),
  NoncurrentVersionTransitions: z.unknown().optional(),
});

const configurationSchema = z.strictObject({
  Rules: z.array(ruleSchema),
  TransitionDefaultMinimumObjectSize: z.string().optional(),
});

const TRANSITIONS = [
  'Transition',
  'Transitions',
  'NoncurrentVersionTransition',
  'NoncurrentVersionTransitions',
] as const;

const ruleOf = (given: z.infer<typeof ruleSchema>): LifecycleRule => {
  if (TRANSITIONS.some((name) => given[name] !== undefined)) throw refuseTransitions();
  const noncurrentDays =
    given.NoncurrentVersionExpiration?.NoncurrentDays ?? given.NoncurrentVersionExpirationInDays;
  return {
    id: given.Id ?? newRuleId(),
    enabled: given.Status === 'Enabled',
    filter: checkedFilter({
      prefix: given.Prefix ?? '',
      tags: given.TagFilters ?? [],
      largerThanBytes: given.ObjectSizeGreaterThan ?? null,
      smallerThanBytes: given.ObjectSizeLessThan ?? null,
    }),
    legacyPrefix: false,
    expiration: expirationOf(given),
    noncurrentExpiration:
      noncurrentDays === undefined
        ? null
        : {
            days: noncurrentDays,
            newerVersions: given.NoncurrentVersionExpiration?.NewerNoncurrentVersions ?? 0,
          },
    abortAfterDays: given.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? null,
  };
};

const expirationOf = (given: z.infer<typeof ruleSchema>): Expiration | null => {
  if (given.ExpirationInDays !== undefined) return { kind: 'days', days: given.ExpirationInDays };
  if (given.ExpirationDate !== undefined)
    return { kind: 'date', atMs: parseInstant(given.ExpirationDate) ?? Number.NaN };
  return given.ExpiredObjectDeleteMarker === undefined
    ? null
    : { kind: 'expired-delete-marker', remove: given.ExpiredObjectDeleteMarker };
};
