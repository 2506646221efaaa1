/** Somebody changes the policy or the state of a KMS key. */
import { DESTINATION_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { SOURCE_KEY, type Stage } from '../stages/stage.ts';
import type { Mutant } from './mutant.ts';

const KEY = `arn:aws:kms:us-east-1:${DESTINATION_ACCOUNT}:key/22222222-2222-2222-2222-222222222222`;

export const keyMutants = ({ aws }: Stage): Mutant[] => {
  const one = (
    arn: string,
    name: string,
    { change, cause }: { change: () => void; cause: string },
  ): Mutant => {
    const policy = aws.kms.policy(arn);
    return {
      name: `key ${arn.split(':')[4]} ${name}`,
      place: arn,
      causes: [cause],
      apply: async () => {
        change();
        return async () => {
          aws.kms.setState(arn, 'Enabled');
          aws.kms.put(arn, policy);
        };
      },
    };
  };
  const denied = (arn: string, Action: string) => () => {
    const { Statement: statements, ...rest } = aws.kms.policy(arn);
    const denial = { Sid: 'Lockdown', Effect: 'Deny', Principal: '*', Action, Resource: '*' } as const;
    aws.kms.put(arn, { ...rest, Statement: [statements, denial].flat() });
  };
  const administered = (arn: string) => () =>
    aws.kms.put(arn, {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${arn.split(':')[4]}:root` },
          Action: ['kms:GetKeyPolicy', 'kms:PutKeyPolicy'],
          Resource: '*',
        },
      ],
    });
  return [
    one(KEY, 'is disabled', {
      change: () => aws.kms.setState(KEY, 'Disabled'),
      cause: 'destination-key',
    }),
    one(KEY, 'denies its use', { change: denied(KEY, 'kms:GenerateDataKey'), cause: 'destination-key' }),
    one(KEY, 'is only administered', { change: administered(KEY), cause: 'destination-key' }),
    one(SOURCE_KEY, 'denies its use', {
      change: denied(SOURCE_KEY, 'kms:Decrypt'),
      cause: 'source-unreadable',
    }),
    one(SOURCE_KEY, 'is only administered', {
      change: administered(SOURCE_KEY),
      cause: 'source-unreadable',
    }),
  ];
};
