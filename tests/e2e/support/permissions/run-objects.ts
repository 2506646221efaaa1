/** Fills the buckets for the permission checks of runs (run-battery.ts), and checks which objects have been replicated. */
import { PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { canonicalUserId } from '@s3-replicator/local-aws/s3';
import { seen } from '../objects.ts';
import type { Stage } from '../stages/stage.ts';

interface Place {
  name: string;
  source: readonly [bucket: string, key: string];
  replica: readonly [bucket: string, key: string];
  tags?: string;
}

/** Returns the objects that runs should replicate. */
const places = (run: string): Place[] => {
  const alike = (name: string, key: string) =>
    ({ name, source: ['notified', key], replica: ['replicas', key] }) as const;
  return [
    {
      name: 'bridged',
      source: ['bridged', `${run}/bridged`],
      replica: ['plain-replica', `bridged/${run}/bridged`],
    },
    alike('missing', `in/${run}/missing`),
    alike('replaced', `in/${run}/replaced`),
    { ...alike('tagged', `tagged/${run}/tagged`), tags: 'wanted=yes' },
  ];
};

export const populate = async (stage: Stage, run: string): Promise<void> => {
  const put = (
    account: 'source' | 'destination',
    [Bucket, Key]: Place['source'],
    Body: string,
    Tagging = '',
  ) =>
    stage[account]
      .s3()
      .send(new PutObjectCommand({ Bucket, Key, Body, Tagging, ChecksumAlgorithm: 'CRC32' }));
  for (const { name, source, tags } of places(run)) await put('source', source, name, tags);
  await put('source', ['notified', `tagged/${run}/unwanted`], 'unwanted', 'wanted=no');
  // These copies were not written by the replicator, so they have no stamp. A run has to look at their versions to see that they
  // equal the source.
  await put('source', ['notified', `in/${run}/copied`], 'copied');
  await put('destination', ['replicas', `in/${run}/copied`], 'copied');
  await put('source', ['notified', `tagged/${run}/kept`], 'kept', 'wanted=yes');
  await put('destination', ['replicas', `tagged/${run}/kept`], 'kept', 'wanted=yes');
  // This replica differs, but has the same length.
  await put('destination', ['replicas', `in/${run}/replaced`], 'foreign!');
  await put('destination', ['replicas', `in/${run}/extra`], 'extra');
};

type Attributes = Pick<
  PutObjectCommandInput,
  'Tagging' | 'GrantRead' | 'ObjectLockMode' | 'ObjectLockRetainUntilDate' | 'ObjectLockLegalHoldStatus'
>;

/**
 * Writes the same bytes to both sides, so that listings show no difference. The name of each object says which of its attributes
 * differs.
 */
export const populateAlike = async (stage: Stage, run: string): Promise<void> => {
  const put = async (name: string, source: Attributes, replica: Attributes, isBridged = false) => {
    const [from, to] = isBridged
      ? [
          ['bridged', `${run}/${name}`],
          ['plain-replica', `bridged/${run}/${name}`],
        ]
      : [
          ['notified', `in/${run}/${name}`],
          ['replicas', `in/${run}/${name}`],
        ];
    for (const [account, [Bucket, Key], attributes] of [
      ['source', from, source],
      ['destination', to, replica],
    ] as const) {
      const object = { Bucket, Key, Body: name, ChecksumAlgorithm: 'CRC32', ...attributes } as const;
      await stage[account].s3().send(new PutObjectCommand(object));
    }
  };
  const GrantRead = `id="${canonicalUserId('333333333333')}"`;
  const ObjectLockRetainUntilDate = new Date(stage.aws.clock.now() + 3_600_000);
  await put('alike', { GrantRead }, { GrantRead });
  await put('granted', {}, { GrantRead });
  await put('held', { ObjectLockLegalHoldStatus: 'ON' }, {});
  await put('retagged', { Tagging: 'a=b' }, { Tagging: 'a=c' });
  await put('retained', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate }, {});
  await put('alikebridged', { GrantRead }, { GrantRead }, true);
  await put('grantedbridged', {}, { GrantRead }, true);
  await put('retaggedbridged', { Tagging: 'a=b' }, { Tagging: 'a=c' }, true);
};

/** Returns the names of the objects whose replica is missing or has other bytes. */
export const missing = async (stage: Stage, run: string): Promise<string[]> => {
  const found = await Promise.all(
    places(run).map(async ({ name, source, replica }) => {
      const there = await seen(stage.destination.s3(), ...replica);
      const object = await seen(stage.source.s3(), ...source);
      return there?.sha256 === object?.sha256 ? [] : [name];
    }),
  );
  return found.flat();
};
