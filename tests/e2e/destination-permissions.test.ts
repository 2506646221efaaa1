/** Removes the permissions of destination/template.yml one at a time, as permissions.test.ts does for those of the stack. */
import { readFile } from 'node:fs/promises';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_IS_WELL, battery, type Observation } from './support/permissions/event-battery.ts';
import {
  deadAs,
  deployWithout,
  isObserved,
  type Listed,
  losing,
  type Loss,
  NAMELESS,
  OF_VERSIONS,
  quarantined,
  REPLICATED,
  REPLICATED_OR_ASKED_FOR,
  startPermissionStage,
  unseenOwners,
} from './support/permissions/losses.ts';
import { grantsIn } from './support/permissions/grants.ts';
import { drawn } from './support/seed.ts';
import earlier from './support/permissions/earlier-destination.json' with { type: 'json' };
import { differencesOf } from './support/permissions/run-battery.ts';
import type { Stage } from './support/stages/stage.ts';

interface Verified extends Observation {
  /** Differences that a verify reports after the battery. */
  differences: string[];
}

/** The restore of the archived object has not ended yet, so its replica is missing. */
const DIFFERENCES = ['archived: missing'];

const DENIED_TO_THIEVES =
  'The function never asks for what is denied here. tests/security/locks.test.ts proves each denial.';
const SET_AGAIN = {
  unseen: 'without it a lock that is already there is set again; verify uses the role that compares',
};

/**
 * Nothing can be written to the destination with many objects. Its circuit opens, and messages wait. Deletes and changed tags still succeed
 * and close the circuit again. Therefore chance decides which messages become dead letters before it opens.
 */
const NOTHING_WRITTEN: Loss<Verified> = {
  missing: REPLICATED,
  dead: expect.arrayContaining(deadAs('access-denied', ['bridged'])),
  waiting: expect.any(Number),
};

const WITHOUT: Record<string, Loss<Verified>> = {
  // Archived objects need the role as well. The function tries to copy them with this role, and learns from the response that they are
  // archived.
  'ReplicationRole Trust sts:AssumeRole': {
    missing: REPLICATED_OR_ASKED_FOR,
    // The circuit of the destination with many objects opens, so that its messages wait.
    dead: deadAs('assume-role-denied', ['bridged']),
    waiting: 16,
  },
  'ReplicationRole SayWho sts:SetSourceIdentity': NAMELESS,
  'ReplicationRole WriteReplicas s3:PutObject': NOTHING_WRITTEN,
  'ReplicationRole WriteReplicas s3:GetObject': {
    missing: ['overwrite', 'large', 'retagged', 'deleted', 'bridged'],
    dead: deadAs('access-denied', ['overwrite', 'large', 'retagged', 'deleted', 'bridged', 'gone']),
  },
  'ReplicationRole WriteReplicas s3:AbortMultipartUpload': { open: 1 },
  // When somebody else wrote the newest version, the function reads the older versions one by one.
  'ReplicationRole WriteReplicas s3:GetObjectVersion': quarantined('access-denied', ['overwrite']),
  'ReplicationRole WriteReplicas s3:PutObjectTagging': quarantined('access-denied', [
    'tagged',
    'retagged',
    'bridged',
  ]),
  'ReplicationRole WriteReplicas s3:PutObjectVersionTagging': quarantined('access-denied', ['retagged']),
  // Unversioned destinations need the action without `Version`.
  'ReplicationRole WriteReplicas s3:GetObjectTagging': quarantined('access-denied', ['bridged']),
  'ReplicationRole WriteReplicas s3:GetObjectVersionTagging': quarantined('access-denied', ['retagged']),
  'ReplicationRole ListReplicas s3:ListBucket': {
    missing: ['large'],
    dead: deadAs('access-denied', ['large', 'gone']),
  },
  // The function hides the replica, but cannot read afterwards what it has hidden.
  'ReplicationRole ListReplicas s3:ListBucketVersions': {
    missing: ['overwrite'],
    dead: deadAs('access-denied', ['overwrite', 'deleted']),
  },
  'ReplicationRole ListReplicas s3:GetBucketVersioning': {
    unseen: 'without it, the bucket is taken for one that keeps versions, as the buckets of this test do',
  },
  'ReplicationRole ListReplicas s3:GetBucketObjectLockConfiguration': {
    unseen: 'A refused upload shows the default retention too, as object-lock.test.ts proves.',
  },
  ...unseenOwners('ReplicationRole'),
  'ReplicationRole DeleteReplicas s3:DeleteObject': quarantined('access-denied', ['deleted']),
  'ReplicationRole LockReplicas s3:PutObjectRetention': quarantined('access-denied', ['retained']),
  'ReplicationRole LockReplicas s3:PutObjectLegalHold': quarantined('access-denied', ['held']),
  'ReplicationRole LockReplicas s3:GetObjectRetention': SET_AGAIN,
  'ReplicationRole LockReplicas s3:GetObjectLegalHold': SET_AGAIN,
  'ReplicationRole GrantReplicas s3:GetObjectAcl': quarantined('access-denied', ['bridged']),
  'ReplicationRole GrantReplicas s3:GetObjectVersionAcl': {
    missing: ['granted', 'deleted'],
    dead: deadAs('access-denied', [...OF_VERSIONS, 'deleted']),
  },
  'ReplicationRole GrantReplicas s3:PutObjectAcl': quarantined('access-denied', ['bridged']),
  'ReplicationRole GrantReplicas s3:PutObjectVersionAcl': quarantined('access-denied', ['granted']),
  'ReplicationRole EncryptReplicas kms:GenerateDataKey': NOTHING_WRITTEN,
  'ReplicationRole EncryptReplicas kms:Decrypt': {
    missing: ['overwrite', 'multipart', 'retagged', 'deleted', 'bridged'],
    dead: deadAs('access-denied', ['overwrite', 'multipart', 'retagged', 'deleted', 'bridged']),
  },
  'ReplicationRole CapRetention s3:PutObject,s3:PutObjectRetention': { unseen: DENIED_TO_THIEVES },
  'ReplicationRole KeepLegalHolds s3:PutObject,s3:PutObjectLegalHold': { unseen: DENIED_TO_THIEVES },
  [`ReplicationRole NeverWeaken ${[
    's3:BypassGovernanceRetention',
    's3:DeleteObjectVersion',
    's3:PutBucketVersioning',
    's3:PutLifecycleConfiguration',
    's3:PutBucketObjectLockConfiguration',
    's3:PutBucketPolicy',
    's3:DeleteBucketPolicy',
    's3:DeleteBucket',
  ].join()}`]: { unseen: DENIED_TO_THIEVES },
  'ReplicationRole LockAtLeastByDefault s3:PutObject': { unseen: DENIED_TO_THIEVES },
  'ReplicationRole LockAsStrictlyAsByDefault s3:PutObject': { unseen: DENIED_TO_THIEVES },
  // S3 hides the lock from a verify without this permission, so the lock seems to be missing.
  'CompareRole ReadLocks s3:GetObjectRetention': { differences: [...DIFFERENCES, 'retained: attributes'] },
  'CompareRole ReadLocks s3:GetObjectLegalHold': { differences: [...DIFFERENCES, 'held: attributes'] },
  'BucketPolicy TlsOnly s3:*': { withoutTls: ['replicas'] },
};

const own = losing('destination', WITHOUT);

test('every permission has an expected effect in this file, and every effect belongs to a permission', () => {
  expect(own.map(({ name }) => name).toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});

/** What destination/template.yml of an earlier version grants, whom it trusts, and its parameters. */
const EARLIER: { grants: string[]; parameters: string[]; trust: unknown } = earlier;

test('a stack of an earlier version replicates with a new destination stack, which takes nothing from the roles that write', async () => {
  const template = parseTemplate(await readFile('destination/template.yml', 'utf8'));
  expect(grantsIn(template).map(({ name }) => name)).toEqual(expect.arrayContaining(EARLIER.grants));
  expect(Object.keys(template.Parameters)).toEqual(expect.arrayContaining(EARLIER.parameters));
  const role = template.Resources['ReplicationRole']?.Properties as Record<string, unknown>;
  const trusted = callersIn(EARLIER.trust);
  const writers = trusted.filter((arn) => !JSON.stringify(arn).includes('-backfill'));
  expect(writers).toHaveLength(trusted.length - 1);
  expect(callersIn(role['AssumeRolePolicyDocument'])).toEqual(writers);
});

interface Trust {
  Statement: { Condition: { ArnEquals: { 'aws:PrincipalArn': unknown[] } } }[];
}

/** Returns the roles that the first statement of a trust policy names. */
const callersIn = (trust: unknown): unknown[] => {
  const [first] = (trust as Trust).Statement;
  return first?.Condition.ArnEquals['aws:PrincipalArn'] ?? [];
};

/**
 * Makes the template like the earlier one: without the role that compares. The backfill function assumes the replication role instead,
 * which may write.
 */
const WITH_ONE_ROLE: Listed = {
  name: 'CompareRole',
  where: 'destination',
  template: 'destination',
  remove({ Resources: resources, Outputs: outputs }) {
    Reflect.deleteProperty(resources, 'CompareRole');
    Reflect.deleteProperty(outputs, 'CompareRoleArn');
    Object.assign(resources['ReplicationRole']?.Properties ?? {}, {
      AssumeRolePolicyDocument: EARLIER.trust,
    });
  },
};

describe('while everything else is deployed', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startPermissionStage();
  });
  afterAll(async () => {
    await stage?.stop();
  });

  const look = async (run: string): Promise<Verified> => ({
    ...(await battery(stage, run)),
    differences: await differencesOf(stage, run),
  });

  test('with all permissions everything is replicated and verified', async () => {
    expect(await look('complete')).toEqual({ ...ALL_IS_WELL, differences: DIFFERENCES });
  });

  test('with the destination stack of an earlier version everything is replicated as before, and the log says what that stack lacks', async () => {
    const added = own.filter(({ name }) => !EARLIER.grants.includes(name));
    await deployWithout(stage, [...added, WITH_ONE_ROLE]);
    // A process remembers what it has asked.
    const { replicateFunction, transferFunction, backfillFunction } = stage.names;
    for (const name of [replicateFunction, transferFunction, backfillFunction])
      await stage.aws.lambda.killEnvironments(name);
    const before = stage.logs.length;
    expect(await look('earlier')).toEqual({ ...ALL_IS_WELL, differences: DIFFERENCES });
    const lacking = stage.logs
      .slice(before)
      .flatMap(({ line }) => /"message":"older-template".*"action":"([^"]+)"/.exec(line)?.[1] ?? []);
    expect(lacking).toEqual(expect.arrayContaining(['sts:SetSourceIdentity', 'sts:AssumeRole']));
    const addedActions = added.map(({ name }) => name.split(' ').at(-1));
    expect([...addedActions, 'sts:AssumeRole']).toEqual(expect.arrayContaining(lacking));
  });

  const observed = drawn(own.flatMap(({ loss, ...grant }) => (isObserved(loss) ? [{ ...grant, loss }] : [])));
  test.each(observed)('without the permission $name exactly the expected loss is observed', async (grant) => {
    await deployWithout(stage, [grant]);
    const run = `without ${own.findIndex(({ name }) => name === grant.name)}`;
    const seen = 'differences' in grant.loss ? await look(run) : await battery(stage, run);
    expect(seen).toEqual({ ...ALL_IS_WELL, ...grant.loss });
  });
});
