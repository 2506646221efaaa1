/** Settings and policies of source buckets and of the report bucket. */
import {
  DeleteBucketPolicyCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
} from '@aws-sdk/client-s3';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { SOURCE_KEY, type Stage } from '../stages/stage.ts';
import type { Mutant } from './mutant.ts';

const OTHER_KEY = SOURCE_KEY.replace(/1{12}$/, '999999999999');

export const bucketMutants = ({ source }: Stage): Mutant[] => {
  const s3 = source.s3();
  const encryption = (Bucket: string, KMSMasterKeyID: string | null) =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: {
          Rules: [
            {
              ApplyServerSideEncryptionByDefault:
                KMSMasterKeyID === null
                  ? { SSEAlgorithm: 'AES256' }
                  : { SSEAlgorithm: 'aws:kms', KMSMasterKeyID },
            },
          ],
        },
      }),
    );
  const payer = (Bucket: string, Payer: 'BucketOwner' | 'Requester') =>
    s3.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer } }));
  return [
    {
      name: 'notified: another default key',
      place: 'key of notified',
      isEdited: true,
      causes: ['source-key-unknown'],
      apply: async () => {
        await encryption('notified', OTHER_KEY);
        return () => encryption('notified', SOURCE_KEY);
      },
    },
    {
      name: 'bridged: a default key',
      place: 'key of bridged',
      isEdited: true,
      causes: ['source-key-unknown'],
      apply: async () => {
        await encryption('bridged', OTHER_KEY);
        return () => encryption('bridged', null);
      },
    },
    ...['notified', 'bridged'].map((Bucket) => ({
      name: `${Bucket}: Requester Pays`,
      place: `payer of ${Bucket}`,
      causes: ['source-requester-pays-streams'],
      apply: async () => {
        await payer(Bucket, 'Requester');
        return () => payer(Bucket, 'BucketOwner');
      },
    })),
  ];
};

/** Denials in the policies of source buckets and of the report bucket. */
export const denialMutants = ({ source, names }: Stage): Mutant[] => {
  const s3 = source.s3();
  const role = (name: string): string => `arn:aws:iam::${SOURCE_ACCOUNT}:role/${name}`;
  const one = (name: string, Bucket: string, cause: string, statement: object): Mutant => ({
    name: `${Bucket}: ${name}`,
    place: `policy of ${Bucket}`,
    causes: [cause],
    apply: async () => {
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'Lockdown',
            Effect: 'Deny',
            Principal: '*',
            Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
            ...statement,
          },
        ],
      });
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      return () => s3.send(new DeleteBucketPolicyCommand({ Bucket }));
    },
  });
  const butAdmins = { ArnNotEquals: { 'aws:PrincipalArn': [role('admin')] } };
  return [
    one('denied to all but admins', 'notified', 'source-denies', {
      Action: 's3:GetObject*',
      Condition: butAdmins,
    }),
    one('denied to the replicate role', 'notified', 'source-denies', {
      Principal: { AWS: role(names.replicateRole) },
      Action: ['s3:GetObjectVersion'],
      Resource: ['arn:aws:s3:::notified/*'],
    }),
    one('listing denied', 'bridged', 'source-denies', {
      Action: ['s3:ListBucket', 's3:ListBucketVersions'],
      Resource: ['arn:aws:s3:::bridged'],
      Condition: butAdmins,
    }),
    one('notifications denied', 'notified', 'source-denies', {
      Action: ['s3:PutBucketNotification'],
      Resource: ['arn:aws:s3:::notified'],
      Condition: butAdmins,
    }),
    one('reports denied', 'reports', 'report-bucket-denies', {
      Action: ['s3:PutObject'],
      Resource: ['arn:aws:s3:::reports/*'],
      Condition: { ArnLike: { 'aws:PrincipalArn': [role('*-backfill')] } },
    }),
  ];
};
