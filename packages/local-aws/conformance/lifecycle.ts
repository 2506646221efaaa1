/**
 * Lifecycle configurations: which ones S3 accepts, and which expiry dates it announces. The effects of the
 * configurations take days, and time.ts checks them.
 */
import {
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  HeadObjectCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, oneOf, refused, same } from './difference.ts';

const PUT = s3Api('API_PutBucketLifecycleConfiguration');
const EXPIRING = s3Guide('lifecycle-expire-general-considerations');

export const putRules = ({ s3 }: Context, Bucket: string, ...Rules: LifecycleRule[]) =>
  s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));

const rulesOf = async ({ s3 }: Context, Bucket: string) =>
  (await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules;

/** A rule that expires every object after one day. */
const RULE = {
  ID: 'mine',
  Status: 'Enabled',
  Filter: { Prefix: '' },
  Expiration: { Days: 1 },
} satisfies LifecycleRule;

export const aLifecycleComesBackAsItWasPut = behaviour(
  'GetBucketLifecycleConfiguration returns the rules as they were put, and fails with 404 NoSuchLifecycleConfiguration if the bucket has no rules.',
  s3Api('API_GetBucketLifecycleConfiguration'),
  async (context) => {
    const { freshBucket, s3 } = context;
    const Bucket = await freshBucket('Enabled');
    await refused('at first', rulesOf(context, Bucket), '404 NoSuchLifecycleConfiguration');
    const rules: LifecycleRule[] = [
      { ...RULE, Filter: { Prefix: 'logs/' } },
      {
        ID: 'old versions',
        Status: 'Disabled',
        Filter: { And: { Prefix: 'a', Tags: [{ Key: 'k', Value: 'v' }] } },
        NoncurrentVersionExpiration: { NoncurrentDays: 3, NewerNoncurrentVersions: 2 },
      },
      {
        ID: 'rest',
        Status: 'Enabled',
        Filter: { Prefix: '' },
        Expiration: { ExpiredObjectDeleteMarker: true },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ];
    await putRules(context, Bucket, ...rules);
    same('rules', await rulesOf(context, Bucket), rules);
    await putRules(context, Bucket, RULE);
    same('after another', (await rulesOf(context, Bucket))?.length, 1);
    await s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
    await refused('after its deletion', rulesOf(context, Bucket), '404 NoSuchLifecycleConfiguration');
  },
);

export const rulesAreGivenIds = behaviour(
  'PutBucketLifecycleConfiguration generates an id for a rule that has none.',
  s3Api('API_LifecycleRule'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const { ID: _, ...anonymous } = RULE;
    await putRules(context, Bucket, anonymous);
    matches('id', (await rulesOf(context, Bucket))?.[0]?.ID, /./);
  },
);

export const malformedRulesAreRefused = behaviour(
  'PutBucketLifecycleConfiguration fails with 400 MalformedXML unless a rule has a valid status, one filter and one kind of expiration.',
  PUT,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const malformed: [string, object][] = [
      ['status', { Status: 'Maybe' }],
      ['filter and prefix', { Prefix: 'a' }],
      ['two filters', { Filter: { Prefix: 'a', Tag: { Key: 'k', Value: 'v' } } }],
      ['days and marker', { Expiration: { Days: 1, ExpiredObjectDeleteMarker: true } }],
      ['empty noncurrent expiration', { NoncurrentVersionExpiration: {} }],
    ];
    for (const [what, more] of malformed)
      await refused(what, putRules(context, Bucket, { ...RULE, ...more }), '400 MalformedXML');
  },
);

export const rulesThatMakeNoSenseAreRefused = behaviour(
  'PutBucketLifecycleConfiguration fails with 400 InvalidArgument for days below 1, a date that is not midnight, or an id that is repeated or too long.',
  PUT,
  async (context) => {
    const Bucket = await context.freshBucket('Enabled');
    const invalid: [string, LifecycleRule[]][] = [
      ['no days', [{ ...RULE, Expiration: { Days: 0 } }]],
      ['no noncurrent days', [{ ...RULE, NoncurrentVersionExpiration: { NoncurrentDays: 0 } }]],
      ['no days to abort', [{ ...RULE, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 0 } }]],
      ['time of day', [{ ...RULE, Expiration: { Date: new Date('2040-01-01T01:00:00Z') } }]],
      ['long id', [{ ...RULE, ID: 'x'.repeat(256) }]],
      ['same id', [RULE, { ...RULE, Filter: { Prefix: 'a' } }]],
    ];
    for (const [what, rules] of invalid)
      await refused(what, putRules(context, Bucket, ...rules), '400 InvalidArgument');
  },
);

export const rulesThatCannotBeAreRefused = behaviour(
  'PutBucketLifecycleConfiguration fails with 400 InvalidRequest if a rule has no action, a repeated tag, or tags and an action that excludes them.',
  PUT,
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const { Expiration: _, ...idle } = RULE;
    const tag = { Key: 'k', Value: 'v' };
    const impossible: [string, LifecycleRule][] = [
      ['no action', idle],
      ['tag twice', { ...RULE, Filter: { And: { Tags: [tag, tag] } } }],
      [
        'tags and uploads',
        { ...idle, Filter: { Tag: tag }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
      ],
      [
        'tags and delete markers',
        { ...idle, Filter: { Tag: tag }, Expiration: { ExpiredObjectDeleteMarker: true } },
      ],
    ];
    for (const [what, rule] of impossible)
      await refused(what, putRules(context, Bucket, rule), '400 InvalidRequest');
  },
);

const ANNOUNCED = /^expiry-date="([^"]+)", rule-id="mine"$/;

export const expiryIsAnnounced = behaviour(
  'PutObject and HeadObject announce which rule will expire the object and at which midnight UTC, and announce nothing for other objects.',
  EXPIRING,
  async (context) => {
    const { freshBucket, put, s3, now } = context;
    const Bucket = await freshBucket('never');
    await putRules(context, Bucket, { ...RULE, Filter: { Prefix: 'logs/' } });
    const { Expiration } = await put(Bucket, 'logs/a', 'content');
    matches('PUT', Expiration, ANNOUNCED);
    const head = async (Key: string) => (await s3.send(new HeadObjectCommand({ Bucket, Key }))).Expiration;
    same('HEAD', await head('logs/a'), Expiration);
    const atMs = Date.parse(ANNOUNCED.exec(Expiration ?? '')?.[1] ?? '');
    same('time of day', atMs % 86_400_000, 0);
    // The expiry date is the first midnight after the object is one day old, so it is between one and two
    // days ahead.
    oneOf('days ahead', Math.floor((atMs - now()) / 86_400_000), [1]);
    same('other PUT', (await put(Bucket, 'other', 'content')).Expiration, undefined);
    same('other HEAD', await head('other'), undefined);
  },
);

export const expiryIsOfTheCurrentVersion = behaviour(
  'HeadObject with a version id announces no expiry, because an expiration rule applies to the current version.',
  s3Guide('lifecycle-configuration-examples'),
  async (context) => {
    const { freshBucket, put, s3 } = context;
    const Bucket = await freshBucket('Enabled');
    await putRules(context, Bucket, RULE);
    const { VersionId } = await put(Bucket, 'k', 'content');
    const head = async (more: object) =>
      (await s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ...more }))).Expiration;
    matches('HEAD', await head({}), ANNOUNCED);
    same('HEAD by version id', await head({ VersionId }), undefined);
  },
);

export const filtersLookAtTagsAndSizes = behaviour(
  'A lifecycle filter can require a prefix, tags and a size, all of which the object must match, and a disabled rule announces no expiry.',
  s3Guide('intro-lifecycle-filters'),
  async (context) => {
    const { freshBucket, put } = context;
    const Bucket = await freshBucket('never');
    const And = { Prefix: 'a', Tags: [{ Key: 'k', Value: 'v' }], ObjectSizeGreaterThan: 5 };
    await putRules(context, Bucket, { ...RULE, Filter: { And } });
    const announced = async (Key: string, body: string, Tagging: string) =>
      (await put(Bucket, Key, body, { Tagging })).Expiration !== undefined;
    const found = [
      await announced('a1', '123456', 'k=v&other=1'),
      await announced('a2', '12345', 'k=v'),
      await announced('a3', '123456', 'k=w'),
      await announced('b', '123456', 'k=v'),
    ];
    same('announced', found, [true, false, false, false]);
    await putRules(context, Bucket, { ...RULE, Status: 'Disabled' });
    same('disabled', await announced('a1', '123456', 'k=v'), false);
  },
);

export const theEarliestExpiryIsAnnounced = behaviour(
  'S3 announces the earliest expiry date if several rules apply to an object.',
  s3Guide('lifecycle-conflicts'),
  async (context) => {
    const { freshBucket, put } = context;
    const Bucket = await freshBucket('never');
    await putRules(context, Bucket, { ...RULE, ID: 'later', Expiration: { Days: 9 } }, RULE);
    matches('PUT', (await put(Bucket, 'k', 'content')).Expiration, ANNOUNCED);
  },
);

export const theAbortOfUploadsIsAnnounced = behaviour(
  'CreateMultipartUpload announces which rule will abort the upload and when.',
  s3Api('API_CreateMultipartUpload'),
  async (context) => {
    const { freshBucket, s3 } = context;
    const Bucket = await freshBucket('never');
    const { Expiration: _, ...idle } = RULE;
    await putRules(context, Bucket, { ...idle, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } });
    const created = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }));
    same('rule', created.AbortRuleId, 'mine');
    same('time of day', (created.AbortDate?.getTime() ?? 1) % 86_400_000, 0);
  },
);
