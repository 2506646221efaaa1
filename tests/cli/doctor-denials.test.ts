import { expect, test } from 'vitest';
import type { Context } from '../../src/cli/doctor/context.ts';
import { hittingDenials } from '../../src/cli/doctor/denials.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../src/lib/configuration/resource-names.ts';
import { fileWith } from '../configuration/yaml.ts';

test('doctor knows a role with a path in the denials of a bucket policy', () => {
  const configuration = parseConfiguration(fileWith({ top: { stack: { rolePath: '/platform/' } } }));
  const context = {
    configuration,
    names: resourceNames(configuration.deployment),
    region: 'us-east-1',
    identity: { account: '111111111111' },
  } as unknown as Context;
  const policy = (path: string) =>
    JSON.stringify({
      Statement: {
        Sid: 'NotThem',
        Effect: 'Deny',
        Principal: { AWS: `arn:aws:iam::111111111111:role${path}s3-replicator-prod-us-east-1-replicate` },
        Action: 's3:GetObject',
        Resource: '*',
      },
    });
  const found = (path: string) => hittingDenials(context, policy(path), ['replicateRole'], ['s3:GetObject']);
  expect(found('/platform/')).toEqual(['NotThem']);
  expect(found('/')).toEqual([]);
});
