/**
 * Attacks with stamps. Whoever may upload writes the metadata of the object, and chooses the name of the session in which a role is
 * assumed. Neither may decide what is kept out of the replica.
 *
 * To check the tests, these safeguards were removed from the code one at a time, and a test failed each time:
 * - the signature, its digest, its size and its claim
 * - the comparison of the bytes, of the headers, and of the destination with a stamp that nobody has signed
 * - the exception for our own replica of the very version
 * - the session name as a mere claim
 */
import { describe, expect, test } from 'vitest';
import type { ObjectState } from '../../src/lib/model/ports.ts';
import type { ReplicationRule } from '../../src/lib/model/rule.ts';
import type { Task } from '../../src/lib/model/task.ts';
import { isProven, type Place, STAMP_NAME, stampedMetadata, stampOn } from '../../src/lib/replica/stamp.ts';
import { createKeyPair, createSigner } from '../../src/lib/replica/stamp-signature.ts';
import { isReplicator } from '../../src/lib/hint/session-name.ts';
import { agrees, verdictOf } from '../../src/lib/runs/report/comparison-text.ts';
import { NOTHING_COMPARED } from '../../src/lib/runs/run.ts';
import { createMemoryBucket, NO_ATTRIBUTES } from '../model/memory-buckets.ts';
import { openGate } from '../model/memory-source.ts';
import { oneKey } from '../model/one-key.ts';
import { testRule } from '../model/settings.ts';
import { aWorld } from '../runs/attributes-world.ts';
import { signerOf } from '../model/test-signers.ts';

const OTHER = signerOf('other');
const SOURCE: Place = { bucket: 'source', key: 'k' };
const REPLICA: Place = { bucket: 'replica', key: 'k' };
const BACK = { at: SOURCE, from: REPLICA };

const naming = (rule: Partial<ReplicationRule> = {}): Partial<ReplicationRule> => ({
  ...rule,
  source: { ...testRule().source, replicators: [OTHER.publicKey] },
});

/** The ways in which work arrives, each with the information about the writer that the hint contains. */
const WAYS: [string, (versionId: string | null) => Partial<Task>][] = [
  [
    'an event of S3 with a session name like ours',
    (versionId) => ({ versionId, byReplicator: isReplicator('AWS:AROAEXAMPLE:s3r@eu-west-1.mine') }),
  ],
  ['an event of EventBridge', (versionId) => ({ versionId, byReplicator: isReplicator('111111111111') })],
  ['a hint of a run or of Batch Operations', () => ({})],
];

const put = (content: string, metadata: Record<string, string>) =>
  [Buffer.from(content), { attributes: { ...NO_ATTRIBUTES, metadata } }] as const;

describe.each(WAYS)('when work arrives as %s', (_way, hintFor) => {
  test.each(['latest', 'all'] as const)(
    'an uploader who writes a stamp does not keep the object out of the replica (versions: %s)',
    async (versions) => {
      const { source, look, content } = oneKey({ rule: naming({ versions }) });
      const forged = { [STAMP_NAME]: stampedMetadata(claimed('v/any'), BACK)[STAMP_NAME]! };
      const { versionId } = source.put('k', ...put('mine', forged));
      expect(await look(openGate, hintFor(versionId))).toMatchObject({ outcome: 'replicated' });
      expect(content()).toBe('mine');
    },
  );

  test('an uploader who signs a stamp with a key of his own does not keep the object out of the replica', async () => {
    const { source, look, content } = oneKey({ rule: naming() });
    const seal = { signer: createSigner(createKeyPair()), hidesEtag: false };
    const bytes = createMemoryBucket('enabled', () => 0).put('k', Buffer.from('mine'));
    const { versionId } = source.put('k', ...put('mine', stampedMetadata(bytes, BACK, seal)));
    expect(await look(openGate, hintFor(versionId))).toMatchObject({ outcome: 'replicated' });
    expect(content()).toBe('mine');
  });

  test.each(['latest', 'all'] as const)(
    'an uploader who copies a genuine stamp onto other bytes of the same size does not keep them out (versions: %s)',
    async (versions) => {
      const { source, replica, look, content } = oneKey({ rule: naming({ versions }) });
      const original = replica.put('k', Buffer.from('true'));
      const genuine = stampedMetadata(original, BACK, { signer: OTHER, hidesEtag: false });
      source.put('k', ...put('true', genuine));
      expect(await look()).toEqual({ outcome: 'replica' });
      const { versionId } = source.put('k', ...put('fake', genuine));
      expect(await look(openGate, hintFor(versionId))).toMatchObject({ outcome: 'replicated' });
      expect(content()).toBe('fake');
    },
  );

  test('an uploader who repeats the bytes of the destination under a forged stamp does not keep other metadata out', async () => {
    const { source, replica, look } = oneKey({ rule: naming() });
    const original = replica.put('k', Buffer.from('true'));
    const forged = stampedMetadata(original, BACK);
    const { versionId } = source.put('k', ...put('true', { ...forged, colour: 'red' }));
    expect(await look(openGate, hintFor(versionId))).toMatchObject({ outcome: 'replicated' });
    expect(replica.current('k')?.state.attributes.metadata['colour']).toBe('red');
  });

  test('an uploader who forges a stamp does not keep later tags out of the replica', async () => {
    const { source, replica, look } = oneKey({ rule: naming() });
    const { versionId } = source.put('k', ...put('mine', stampedMetadata(claimed('v/any'), BACK)));
    await look();
    source.current('k')!.tags = { colour: 'red' };
    source.current('k')!.state.tagCount = 1;
    await look(openGate, { ...hintFor(versionId), concern: 'tags' });
    expect(replica.current('k')?.tags).toEqual({ colour: 'red' });
  });
});

test('an object whose digest nobody can compare is the uploader’s, whatever stamp it has', async () => {
  const { source, replica, look } = oneKey({ rule: naming(), encryptions: ['aws:kms', 'aws:kms'] });
  const original = replica.put('k', Buffer.from('true'));
  const genuine = stampedMetadata({ ...original, encryption: null }, BACK, {
    signer: OTHER,
    hidesEtag: false,
  });
  source.put('k', ...put('true', genuine));
  expect(await look()).toMatchObject({ outcome: 'replicated' });
});

test('the genuine replica of a deployment that the rule does not name is copied at most once more', async () => {
  const { source, replica, look, told } = oneKey({ versionings: ['unversioned', 'enabled'] });
  const original = replica.put('k', Buffer.from('true'));
  const genuine = stampedMetadata(original, BACK, { signer: OTHER, hidesEtag: false });
  source.put('k', ...put('true', genuine));
  replica.put('k', Buffer.from('newer'));
  replica.history.get('k')!.shift();
  expect(await look()).toMatchObject({ outcome: 'replicated' });
  expect((await look()).outcome).toBe('unchanged');
  expect(told()).toEqual(['newer', 'true']);
});

test('a forged stamp that names an object of somebody else does not let a delete hide that object', async () => {
  const { source, replica, look, told } = oneKey({ rule: { versions: 'all', deletes: 'replicate' } });
  const theirs = replica.put('k', Buffer.from('true'));
  source.put('k', ...put('fake', stampedMetadata(theirs, BACK)));
  source.remove('k');
  expect(await look()).toEqual({ outcome: 'not-ours' });
  expect(told()).toEqual(['true']);
});

test('an object under a copied stamp that was replicated the opposite way is not overwritten when it comes back', async () => {
  const { source, replica, look, told } = oneKey({ rule: naming({ versions: 'all' }) });
  const first = source.put('k', Buffer.from('22'));
  await look();
  const copied = replica.current('k')!.state.attributes.metadata;
  expect(stampOn(replica.current('k')!.state, REPLICA)).toMatchObject({ identity: `v/${first.versionId}` });
  const theirs = replica.put('k', ...put('no', copied));
  source.put('k', ...put('no', stampedMetadata(theirs, BACK)));
  await look();
  expect(told()).toEqual(['22', 'no']);
});

describe('a signature', () => {
  const bucket = createMemoryBucket('enabled', () => 5_000, { checksums: true });
  const original = bucket.put('k', Buffer.from('true'));
  const metadata = stampedMetadata(original, BACK, { signer: OTHER, hidesEtag: false });
  const object: ObjectState = { ...original, attributes: { ...NO_ATTRIBUTES, metadata } };
  const keys = [signerOf('earlier').publicKey, OTHER.publicKey];
  const stampOf = (text: string): ObjectState => ({
    ...object,
    attributes: { ...NO_ATTRIBUTES, metadata: { [STAMP_NAME]: text } },
  });

  test('holds for the object for which it was made, and only with the key that made it', () => {
    expect(isProven(object, SOURCE, keys)).toBe(true);
    expect(isProven(object, SOURCE, [signerOf('earlier').publicKey])).toBe(false);
    expect(isProven(object, SOURCE, [])).toBe(false);
  });

  test.each<[string, ObjectState, Place]>([
    ['of another size', { ...object, sizeBytes: 5 }, SOURCE],
    ['with another ETag', { ...object, etag: '"0123456789abcdef0123456789abcdef"' }, SOURCE],
    ['without any digest', { ...object, checksum: null, encryption: 'aws:kms' }, SOURCE],
    ['under another key', object, { ...SOURCE, key: 'other' }],
    ['in another bucket', object, { ...SOURCE, bucket: 'other' }],
    ['that says another version', stampOf(metadata[STAMP_NAME]!.replace('v/', 'v/1')), SOURCE],
  ])('does not hold for an object %s', (_which, other, place) => {
    expect(isProven(other, place, keys)).toBe(false);
  });

  test('takes 95 bytes of the 2 KB of metadata, and is left out before the stamp where there is no room', () => {
    const stamp = metadata[STAMP_NAME]!;
    const [claim = ''] = stamp.split('.');
    expect(stamp.length - claim.length).toBe(95);
    const room = 2_048 - `x-amz-meta-${STAMP_NAME}${claim}x-amz-meta-n`.length;
    const stampWith = (characters: number) => {
      const attributes = { ...NO_ATTRIBUTES, metadata: { n: 'x'.repeat(characters) } };
      return stampedMetadata({ ...original, attributes }, BACK, { signer: OTHER, hidesEtag: false })[
        STAMP_NAME
      ];
    };
    expect(stampWith(room - 95)).toBe(stamp);
    expect(stampWith(room - 94)).toBe(claim);
    expect(stampWith(room + 1)).toBeUndefined();
  });

  test('is made over a digest that the replica will show, although KMS hides its ETag', () => {
    const sealed = stampedMetadata(original, BACK, { signer: OTHER, hidesEtag: true });
    const replica = { ...object, etag: '"opaque"', encryption: 'aws:kms' };
    expect(isProven({ ...replica, attributes: { ...NO_ATTRIBUTES, metadata: sealed } }, SOURCE, keys)).toBe(
      true,
    );
    expect(isProven(replica, SOURCE, keys)).toBe(false);
  });

  test('that is no point of the curve, or too short, is no signature', () => {
    expect(isProven(object, SOURCE, ['_'.repeat(43)])).toBe(false);
    expect(stampOn(stampOf(metadata[STAMP_NAME]!.slice(0, -1)), SOURCE)).toBeNull();
  });
});

describe('a replica of another source at the destination', () => {
  const elsewhere = { at: REPLICA, from: { bucket: 'elsewhere', key: 'k' } };
  const theirs = createMemoryBucket('enabled', () => 5_000).put('k', Buffer.from('theirs'));
  const signed = stampedMetadata(theirs, elsewhere, { signer: OTHER, hidesEtag: false });

  test.each(['latest', 'all'] as const)(
    'that a deployment which the rule names has signed is reported and not fought over (versions: %s)',
    async (versions) => {
      const { source, replica, look, told } = oneKey({ rule: naming({ versions }) });
      replica.put('k', ...put('theirs', signed));
      source.put('k', Buffer.from('mine'));
      await expect(look()).rejects.toMatchObject({ reason: 'other-deployment' });
      expect(told()).toEqual(['theirs']);
    },
  );

  test('is overwritten if its stamp is a claim, so that a writer at the destination blocks no key', async () => {
    for (const metadata of [stampedMetadata(theirs, elsewhere), signed]) {
      const { source, replica, look, content } = oneKey({ rule: naming() });
      replica.put('k', ...put('forged', metadata));
      source.put('k', Buffer.from('mine'));
      expect(await look()).toMatchObject({ outcome: 'replicated' });
      expect(content()).toBe('mine');
    }
  });
});

describe('verify', () => {
  test('reports an object that is missing at the destination, whatever stamp its uploader wrote', async () => {
    const { source, count } = aWorld({ rule: naming() });
    source.put('k', ...put('mine', stampedMetadata(claimed('v/any'), BACK)));
    expect(await count()).toEqual({ missing: 1 });
  });

  test('reports tags that differ, whatever stamp the uploader wrote', async () => {
    const { source, replicate, verify } = aWorld({ rule: naming() });
    source.put('k', ...put('mine', stampedMetadata(claimed('v/any'), BACK)));
    await replicate();
    expect(await verify()).toMatch(/^same /);
    source.current('k')!.tags = { colour: 'red' };
    source.current('k')!.state.tagCount = 1;
    expect(await verify()).toBe('attributes');
  });

  test('counts and lists what a deployment that the rule names has signed, and does not call it agreement unasked', async () => {
    const { source, replica, count, rows } = aWorld({ rule: naming() });
    const original = replica.put('k', Buffer.from('true'));
    replica.history.clear();
    source.put('k', ...put('true', stampedMetadata(original, BACK, { signer: OTHER, hidesEtag: false })));
    expect(await count()).toEqual({ leftOut: 1 });
    expect(await rows()).toEqual(['k left-out']);
    const look = { ...NOTHING_COMPARED, leftOut: 1 };
    expect(verdictOf(look)).toContain('lacks 1 key that the rule leaves out');
    expect(agrees({ acceptLeftOut: false }, look)).toBe(false);
    expect(agrees({ acceptLeftOut: true }, look)).toBe(true);
  });
});

/** An object as an uploader describes it in a stamp. */
function claimed(identity: string): ObjectState {
  const state = createMemoryBucket('enabled', () => 5_000).put('k', Buffer.from('true'));
  return { ...state, versionId: identity.slice(2) };
}
