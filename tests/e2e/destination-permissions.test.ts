/** Every permission of destination/template.yml, taken away one at a time, as in permissions.test.ts for the stack. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_IS_WELL, battery } from './battery.ts';
import {
  deadAs,
  deployWithout,
  isObserved,
  listed,
  type Loss,
  OF_VERSIONS,
  quarantined,
  REPLICATED,
  startPermissionStage,
} from './losses.ts';
import type { Stage } from './stage.ts';

const WITHOUT: Record<string, Loss> = {
  'ReplicationRole Trust sts:AssumeRole': {
    missing: REPLICATED,
    dead: deadAs('assume-role-denied', [...REPLICATED, 'deleted', 'gone']),
  },
  'ReplicationRole WriteReplicas s3:PutObject': {
    missing: REPLICATED,
    dead: deadAs('access-denied', [...REPLICATED, 'deleted']),
  },
  'ReplicationRole WriteReplicas s3:GetObject': {
    missing: ['overwrite', 'large', 'multipart', 'retagged', 'deleted', 'bridged'],
    dead: deadAs('access-denied', [
      'overwrite',
      'large',
      'multipart',
      'retagged',
      'deleted',
      'bridged',
      'gone',
    ]),
  },
  'ReplicationRole WriteReplicas s3:AbortMultipartUpload': { open: 1 },
  // What stands under somebody else's version is looked at one by one.
  'ReplicationRole WriteReplicas s3:GetObjectVersion': quarantined('access-denied', ['overwrite']),
  'ReplicationRole WriteReplicas s3:PutObjectTagging': quarantined('access-denied', [
    'tagged',
    'retagged',
    'bridged',
  ]),
  'ReplicationRole WriteReplicas s3:PutObjectVersionTagging': quarantined('access-denied', ['retagged']),
  // Without `Version`: where the destination has no versions.
  'ReplicationRole WriteReplicas s3:GetObjectTagging': quarantined('access-denied', ['bridged']),
  'ReplicationRole WriteReplicas s3:GetObjectVersionTagging': quarantined('access-denied', ['retagged']),
  'ReplicationRole ListReplicas s3:ListBucket': {
    missing: ['large', 'multipart'],
    dead: deadAs('access-denied', ['large', 'multipart', 'gone']),
  },
  'ReplicationRole ListReplicas s3:ListBucketVersions': quarantined('access-denied', ['overwrite']),
  'ReplicationRole DeleteReplicas s3:DeleteObject': quarantined('access-denied', ['deleted']),
  'ReplicationRole LockReplicas s3:PutObjectRetention': quarantined('access-denied', ['retained']),
  'ReplicationRole LockReplicas s3:PutObjectLegalHold': quarantined('access-denied', ['held']),
  'ReplicationRole GrantReplicas s3:GetObjectAcl': quarantined('access-denied', ['bridged']),
  'ReplicationRole GrantReplicas s3:GetObjectVersionAcl': {
    missing: ['retagged', 'granted', 'deleted'],
    dead: deadAs('access-denied', [...OF_VERSIONS, 'deleted']),
  },
  'ReplicationRole GrantReplicas s3:PutObjectAcl': quarantined('access-denied', ['bridged']),
  'ReplicationRole GrantReplicas s3:PutObjectVersionAcl': quarantined('access-denied', ['granted']),
  'ReplicationRole EncryptReplicas kms:GenerateDataKey': {
    missing: REPLICATED,
    dead: deadAs('access-denied', [...REPLICATED, 'deleted']),
  },
  'ReplicationRole EncryptReplicas kms:Decrypt': {
    missing: ['overwrite', 'multipart', 'retagged', 'deleted', 'bridged'],
    dead: deadAs('access-denied', ['overwrite', 'multipart', 'retagged', 'deleted', 'bridged']),
  },
  'BucketPolicy TlsOnly s3:*': { withoutTls: ['replicas'] },
};

const own = listed
  .filter(({ where }) => where === 'destination')
  .map((grant) => ({ ...grant, loss: WITHOUT[grant.name] }));

test('each permission has a line that says what it is for, and each line a permission', () => {
  expect(own.map(({ name }) => name).toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});

describe('while everything else is deployed', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startPermissionStage();
  });
  afterAll(async () => {
    await stage?.stop();
  });

  test('all is well', async () => {
    expect(await battery(stage, 'complete')).toEqual(ALL_IS_WELL);
  });

  const observed = own.filter(({ loss }) => isObserved(loss));
  test.each(observed)('without $name', async (grant) => {
    await deployWithout(stage, [grant]);
    expect(await battery(stage, `without ${own.indexOf(grant)}`)).toEqual({
      ...ALL_IS_WELL,
      ...grant.loss,
    });
  });
});
