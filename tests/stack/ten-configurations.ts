/** Ten configurations that differ as much as possible, by name. */
import { destination, file, rule } from '../configuration/yaml.ts';

export interface NamedConfiguration {
  /** The text of a replication.yml. */
  text: string;
  stage?: string;
}

const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012';
const EARLIER_KEY = 'arn:aws:kms:eu-west-1:111111111111:key/00000000-1234-1234-1234-123456789012';
const REPLICA_KEY = 'arn:aws:kms:us-east-1:222222222222:key/87654321-4321-4321-4321-210987654321';
const [MEDIA_ROLE, LOGS_ROLE] = ['media', 'logs'].map((name) => `arn:aws:iam::222222222222:role/${name}`);
const TOP = { name: 'acme', region: 'eu-west-1' };

/** All options for platform teams. */
export const PLATFORM = {
  permissionsBoundary: 'arn:aws:iam::111111111111:policy/platform/boundary',
  rolePath: '/platform/',
  kmsKeyArn: 'arn:aws:kms:eu-west-1:111111111111:key/aaaaaaaa-1234-1234-1234-123456789012',
  vpc: {
    subnetIds: ['subnet-0a1b2c3d', 'subnet-1a1b2c3d'],
    securityGroupIds: ['sg-0a1b2c3d4e5f60718'],
  },
  deploymentBucket: 'acme-artifacts',
  alarms: { topicArn: 'arn:aws:sns:eu-west-1:111111111111:platform-alarms' },
};

type Options = Record<string, unknown>;

const one = (source: Options, replica: Options = {}, options: Options = {}): Options[] => [
  rule('only', { bucket: 'acme-documents', ...source }, [destination('acme-replica', replica)], options),
];

export const CONFIGURATIONS: Record<string, NamedConfiguration> = {
  plain: { text: file(one({}), TOP) },
  eventbridge: {
    text: file(one({ bucket: 'acme.media', events: 'eventbridge', prefix: 'photos/', suffix: '.jpg' }), TOP),
  },
  encrypted: {
    text: file(
      one(
        { kmsKeyArn: KEY, kmsKeyArns: [EARLIER_KEY] },
        { kmsKeyArn: REPLICA_KEY, encryption: 'aws:kms:dsse' },
      ),
      {
        ...TOP,
        stack: PLATFORM,
      },
    ),
  },
  everything: {
    text: file(
      one(
        { prefix: 'in/' },
        { prefix: 'out/', storageClass: 'STANDARD_IA', objectLock: 'governance' },
        {
          acl: 'replicate',
          announce: 'eventbridge',
          deletes: 'replicate',
          replicas: 'replicate',
          restore: { days: 2, tier: 'Bulk' },
          filter: { tags: { class: 'public' }, minimumBytes: 1 },
          exclude: [{ prefix: 'in/tmp/' }, { tags: { scan: 'infected' } }],
        },
      ),
      TOP,
    ),
  },
  latest: {
    text: file(one({}, { objectLock: 'ignore' }, { versions: 'latest', stamp: false, copy: 'stream' }), TOP),
  },
  'server-side': {
    text: file(one({ prefix: 'a*b/' }, { region: 'eu-west-1' }, { copy: 'server-side' }), TOP),
  },
  'reader-role': {
    text: file(one({ roleArn: 'arn:aws:iam::111111111111:role/reader' }, {}, { restore: { days: 1 } }), TOP),
  },
  fanout: {
    text: file(
      [
        rule(
          'many',
          { bucket: 'acme-documents' },
          ['222222222222', '333333333333', '444444444444'].map((account, index) =>
            destination(`acme-replica-${index}`, { roleArn: `arn:aws:iam::${account}:role/replica` }),
          ),
        ),
        rule('other', { bucket: 'acme-media' }, [destination('acme-media-replica', { roleArn: MEDIA_ROLE })]),
        rule('third', { bucket: 'acme-logs', events: 'eventbridge' }, [
          destination('acme-logs-replica', { roleArn: LOGS_ROLE }),
        ]),
      ],
      TOP,
    ),
  },
  operated: {
    text: file(one({}), {
      ...TOP,
      backfill: { maximumConcurrency: 5, report: { bucket: 'acme-reports', prefix: 'replication/' } },
      transfers: { maximumConcurrency: 3 },
      stack: {
        maximumConcurrency: 7,
        batchSize: 30,
        batchWindowSeconds: 2,
        logRetentionDays: 14,
        lostSubscriptions: 'alarm',
        alarms: { email: 'ops@example.com', oldestMessageMinutes: 5 },
        tags: { team: 'storage' },
      },
    }),
    stage: 'dev',
  },
  govcloud: {
    text: file(
      one(
        {},
        { region: 'us-gov-east-1', roleArn: 'arn:aws-us-gov:iam::222222222222:role/replica' },
        { deletes: 'replicate' },
      ),
      { name: 'acme', region: 'us-gov-west-1' },
    ),
  },
};
