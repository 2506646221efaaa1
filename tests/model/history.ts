/**
 * Random histories of a source bucket, and everything that may happen to its events before they are handled.
 */
import fc from 'fast-check';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import type { Fault } from './deployment.ts';
import { type MemoryBucket, NO_ATTRIBUTES, type Versioning } from './memory-buckets.ts';
import type { BucketEvent } from './memory-writes.ts';

export const KEYS = ['a', 'b'] as const;

export type Operation =
  | { kind: 'put'; key: string; content: string; tag: string | null; form: 'whole' | 'parts' }
  | { kind: 'delete'; key: string }
  /**
   * Removes one version or delete marker. The newest has age 0. If a marker is removed, its object is current
   * again.
   */
  | { kind: 'forget'; key: string; age: number }
  | { kind: 'tag'; key: string; age: number; tag: string }
  | { kind: 'grant'; key: string; age: number; reader: string }
  /**
   * Generated only if a test requests this kind. The event reports the new retention, and not the legal hold,
   * which arrives with the retention.
   */
  | { kind: 'lock'; key: string; age: number; untilMs: number; legalHold: boolean }
  /** Somebody copies an older replica over the newest one at the destination, with all its metadata. */
  | { kind: 'copy-back'; key: string; age: number }
  /** Somebody writes an object at the destination with a key of their own (SSE-C). */
  | { kind: 'seal-there'; key: string }
  /** Somebody copies the newest object onto itself with another storage class. */
  | { kind: 'change-class'; key: string; storageClass: string | null };

export interface Side {
  versioning: Versioning;
  encryption: 'AES256' | 'aws:kms';
}

export interface History {
  source: Side;
  destination: Side;
  rule: Pick<ReplicationRule, 'versions' | 'deletes' | 'stamp' | 'acl'>;
  operations: Operation[];
  /** How much time passes between two operations, in milliseconds. */
  paceMs: number;
  /** For how many steps of the scheduler the source rests before each operation. */
  pauses: number[];
  /** How many times each event is delivered in addition to the first time. */
  repeats: number[];
  /** Whether the first delivery of each event is lost until the dead-letter queue is redriven. */
  drops: boolean[];
  picks: number[];
  shortOfTime: boolean[];
  overtaken: boolean[];
  batchSize: number;
  faults: Fault[];
  /**
   * For how many steps of the scheduler certain calls are held up: writes of tags and grants, deletes, and the listings after them. By
   * default, none is held up.
   */
  stalls?: number[];
  clearReceipts: boolean;
  /** Keys to which somebody else wrote at the destination before the history begins. */
  foreign: string[];
}

const MAX_OPERATIONS = 10;

const RARE: ReadonlySet<Operation['kind']> = new Set(['seal-there', 'change-class']);

/**
 * Generates histories. If `content` generates unique values, every ETag belongs to a single state. `only`
 * restricts the histories to what a test is about.
 */
export const history = (
  content: fc.Arbitrary<string>,
  only: {
    rule?: Partial<History['rule']>;
    versioned?: boolean;
    kms?: boolean;
    kinds?: Operation['kind'][];
    /** Whether all operations are on one key, with the same number of each kind. */
    even?: boolean;
  } = {},
): fc.Arbitrary<History> => {
  const { kinds, even = false } = only;
  const all = kinds?.some((kind) => RARE.has(kind))
    ? fc.oneof(operation(content), rareOperation())
    : operation(content);
  const wanted = (even ? evenly(content, kinds ?? []) : all).filter(
    ({ kind }) => kinds?.includes(kind) ?? (kind !== 'lock' && kind !== 'copy-back'),
  );
  return fc.record({
    source: side(only, ['enabled', 'enabled', 'suspended', 'unversioned']),
    destination: side(only, ['enabled', 'enabled', 'enabled', 'suspended', 'unversioned']),
    rule: fc
      .record({
        versions: fc.constantFrom('all', 'latest'),
        deletes: fc.constantFrom('replicate', 'ignore'),
        stamp: weighted<boolean>([4, true], [1, false]),
        acl: fc.constantFrom('replicate', 'ignore'),
      })
      .map((rule) => ({ ...rule, ...only.rule })),
    operations: fc.array(wanted, { minLength: 1, maxLength: MAX_OPERATIONS }),
    paceMs: fc.constantFrom(400, 90),
    pauses: perOperation(weighted<number>([3, 0], [1, 3], [1, 12], [1, 25])),
    repeats: perOperation(fc.nat({ max: 2 })),
    drops: perOperation(fc.boolean()),
    picks: fc.array(fc.nat({ max: 9 }), { minLength: 30, maxLength: 30 }),
    shortOfTime: fc.array(weighted<boolean>([4, false], [1, true]), { maxLength: 10 }),
    overtaken: fc.array(weighted<boolean>([3, false], [1, true]), { maxLength: 10 }),
    batchSize: fc.integer({ min: 1, max: 4 }),
    faults: fc.array(fault, { maxLength: 80 }),
    clearReceipts: fc.boolean(),
    foreign: kinds === undefined ? fc.subarray([...KEYS]) : fc.constant([]),
  });
};

/**
 * Applies an operation to the source. Returns the event that S3 would send, or null if S3 would send none.
 */
export const apply = (source: MemoryBucket, each: Operation, mark: string): BucketEvent | null => {
  const { key } = each;
  const event = (name: string, versionId: string | null): BucketEvent => ({
    name,
    key,
    versionId: source.versioning === 'unversioned' ? null : versionId,
  });
  switch (each.kind) {
    case 'put': {
      const attributes = { ...NO_ATTRIBUTES, metadata: { write: mark } };
      const tags = each.tag === null ? {} : { colour: each.tag };
      const bytes = Buffer.from(each.content);
      const parts = [bytes.subarray(0, 1), bytes.subarray(1)];
      const { versionId } = source.put(key, each.form === 'whole' ? bytes : parts, { attributes, tags });
      return event(`ObjectCreated:${each.form === 'whole' ? 'Put' : 'CompleteMultipartUpload'}`, versionId);
    }
    case 'delete': {
      const versionId = source.remove(key);
      return event(`ObjectRemoved:${versionId === null ? 'Delete' : 'DeleteMarkerCreated'}`, versionId);
    }
    case 'forget': {
      const versionId = source.versioning === 'unversioned' ? null : source.forget(key, each.age);
      return versionId === null ? null : event('ObjectRemoved:Delete', versionId);
    }
    case 'tag': {
      const versionId = source.setTags(key, each.age, { colour: each.tag });
      return versionId === null ? null : event('ObjectTagging:Put', versionId);
    }
    case 'grant': {
      const acl = [{ grantee: { kind: 'user' as const, id: each.reader }, permission: 'READ' }];
      const versionId = source.setAcl(key, each.age, acl);
      return versionId === null ? null : event('ObjectAcl:Put', versionId);
    }
    case 'lock': {
      const { untilMs, legalHold } = each;
      const retention = { mode: 'COMPLIANCE', untilMs } as const;
      const versionId = source.setLock(key, each.age, { retention, legalHold });
      return versionId === null ? null : event('ObjectRetention:Put', versionId);
    }
    case 'change-class': {
      const current = source.current(key);
      if (current === null) return null;
      const { bytes, parts, tags, state } = current;
      const attributes = { ...state.attributes, storageClass: each.storageClass };
      const { versionId } = source.put(key, parts.length > 1 ? parts : bytes, { attributes, tags });
      return event('ObjectCreated:Copy', versionId);
    }
    case 'copy-back':
    case 'seal-there':
      return null;
  }
};

/** Whether `whole` contains all elements of `part` in the same order. Other elements may lie between them. */
export const isSubsequence = (part: string[], whole: string[]): boolean => {
  let next = 0;
  for (const each of whole) if (each === part[next]) next += 1;
  return next === part.length;
};

export const operation = (content: fc.Arbitrary<string>): fc.Arbitrary<Operation> => {
  const key = fc.constantFrom(...KEYS);
  const age = fc.nat({ max: 2 });
  const tag = fc.constantFrom('red', 'blue');
  const reader = fc.constantFrom('alice', 'bob');
  const untilMs = fc.integer({ min: 1, max: 9 }).map((years) => 1_700_000_000_000 + years * 31_536_000_000);
  const form = weighted<'whole' | 'parts'>([3, 'whole'], [1, 'parts']);
  const kind = <K extends Operation['kind']>(name: K) => fc.constant(name);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: kind('put'), key, content, tag: fc.option(tag, { freq: 2 }), form }),
    },
    { weight: 2, arbitrary: fc.record({ kind: kind('delete'), key }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('forget'), key, age }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('tag'), key, age, tag }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('grant'), key, age, reader }) },
    { weight: 3, arbitrary: fc.record({ kind: kind('copy-back'), key, age }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('lock'), key, age, untilMs, legalHold: fc.boolean() }) },
  );
};

const evenly = (content: fc.Arbitrary<string>, kinds: Operation['kind'][]): fc.Arbitrary<Operation> =>
  fc.oneof(
    ...kinds.map((wanted) =>
      operation(content)
        .filter(({ kind }) => kind === wanted)
        .map((each) => ({ ...each, key: KEYS[0] })),
    ),
  );

/** Generates the operations that a test gets only on request. */
const rareOperation = (): fc.Arbitrary<Operation> => {
  const key = fc.constantFrom(...KEYS);
  const storageClass = fc.constantFrom(null, 'STANDARD_IA', 'GLACIER_IR');
  return fc.oneof(
    fc.record({ kind: fc.constant('seal-there' as const), key }),
    fc.record({ kind: fc.constant('change-class' as const), key, storageClass }),
  );
};

export const side = (
  { versioned = false, kms = true }: { versioned?: boolean; kms?: boolean },
  versionings: Versioning[],
): fc.Arbitrary<Side> =>
  fc.record({
    versioning: versioned ? fc.constant<Versioning>('enabled') : fc.constantFrom(...versionings),
    encryption: kms
      ? weighted<Side['encryption']>([3, 'AES256'], [1, 'aws:kms'])
      : fc.constant<Side['encryption']>('AES256'),
  });

export const weighted = <T>(...choices: [weight: number, value: T][]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const perOperation = <T>(each: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(each, { minLength: MAX_OPERATIONS, maxLength: MAX_OPERATIONS });

export const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Fault>('none') },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Fault>('throttle', 'reset', 'credentials', 'crash', 'break', 'truncate'),
  },
);
