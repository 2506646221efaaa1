import { expect, test } from 'vitest';
import type { Context } from '../../src/cli/doctor/context.ts';
import { denialsIn, ownRoles } from '../../src/cli/doctor/denials.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { fileWith } from '../configuration/yaml.ts';

const ADMIN = 'arn:aws:iam::111111111111:role/admin';
const REPLICATE = 'arn:aws:iam::111111111111:role/platform/s3-replicator-prod-us-east-1-replicate';
const needed = [{ roles: [REPLICATE], actions: ['s3:GetObject'] }];
const policyOf = (statement: object): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Sid: 'NotThem', Effect: 'Deny', Action: 's3:Get*', Resource: '*', ...statement }],
  });

test('doctor knows a role with a path in the denials of a bucket policy', () => {
  const configuration = parseConfiguration(fileWith({ top: { stack: { rolePath: '/platform/' } } }));
  const context = {
    configuration,
    names: resourceNames(configuration.deployment),
    region: 'us-east-1',
    identity: { account: '111111111111' },
  } as unknown as Context;
  expect(ownRoles(context, ['replicateRole'])).toEqual([REPLICATE]);
  const found = (arn: string) => denialsIn(policyOf({ Principal: { AWS: arn } }), needed).sids;
  expect(found(REPLICATE)).toEqual(['NotThem']);
  expect(found(REPLICATE.replace('/platform', ''))).toEqual([]);
});

test.each([
  ['everybody', undefined],
  ['everybody but an administrator', { ArnNotEquals: { 'aws:PrincipalArn': ADMIN } }],
  ['everybody, by pattern', { ArnLike: { 'aws:PrincipalArn': '*' } }],
])(
  'the policy that doctor prints excludes the role from a denial of %s, and nobody else',
  (_who, condition) => {
    const before = policyOf({ Principal: '*', Condition: condition });
    const { sids, policy } = denialsIn(before, needed);
    expect(sids).toEqual(['NotThem']);
    expect(denialsIn(policy, needed).sids).toEqual([]);
    const others = [{ roles: ['arn:aws:iam::333333333333:role/other'], actions: ['s3:GetObject'] }];
    expect(denialsIn(policy, others).sids).toEqual(['NotThem']);
    const unhurt = [{ roles: [ADMIN], actions: ['s3:GetObject'] }];
    expect(denialsIn(policy, unhurt).sids).toEqual(denialsIn(before, unhurt).sids);
  },
);
