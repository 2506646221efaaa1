/** The configuration of a sample stack. It uses most options. */
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import { stackOf } from '../../src/stack/stack.ts';
import { destination, file, rule } from '../configuration/yaml.ts';
import { type Packaged, packaged, type Template } from './packaging.ts';

export const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012';

const STAGE = 'test';

const CONFIGURATION = file(
  [
    rule('invoices', { bucket: 'acme-documents', prefix: 'invoices/', kmsKeyArn: KEY }, [
      destination('replica-1'),
    ]),
    rule('paid', { bucket: 'acme-documents', prefix: 'invoices/paid/' }, [
      destination('replica-2', { roleArn: 'arn:aws:iam::333333333333:role/second' }),
    ]),
    rule(
      'contracts',
      { bucket: 'acme-documents', prefix: 'contracts/', suffix: '.pdf' },
      [destination('replica-3', { objectLock: 'ignore' })],
      { acl: 'replicate', deletes: 'replicate', restore: { days: 1 } },
    ),
    rule(
      'media',
      { bucket: 'acme.media', events: 'eventbridge', prefix: 'photos/', suffix: '.jpg' },
      [destination('replica-4')],
      { versions: 'latest', acl: 'replicate', deletes: 'replicate' },
    ),
    rule(
      'elsewhere',
      { bucket: 'acme-elsewhere', roleArn: 'arn:aws:iam::111111111111:role/reader' },
      [destination('replica-5')],
      { acl: 'replicate', restore: { days: 1 } },
    ),
  ],
  {
    name: 'acme-replication',
    region: 'eu-west-1',
    transfers: { maximumConcurrency: 33 },
    stack: {
      maximumConcurrency: 7,
      batchSize: 3,
      logRetentionDays: 14,
      tags: { team: 'storage' },
      alarms: { email: 'ops@example.com' },
    },
  },
);

/** Returns the resources that our own code generates for the sample stack. Nothing is packaged. */
export const generatedTemplate = (): Template =>
  JSON.parse(JSON.stringify(stackOf(parseConfiguration(CONFIGURATION, { stage: STAGE })).resources));

/** Packages the sample stack with the framework. This takes seconds of CPU time. */
export const packagedSample = (): Promise<Packaged> => packaged(CONFIGURATION, { stage: STAGE });
