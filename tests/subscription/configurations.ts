import type { NotificationConfiguration } from '@aws-sdk/client-s3';
import { destination, file, rule } from '../configuration/yaml.ts';

const configurationFor = (...sources: Record<string, string>[]): string =>
  file(sources.map((source, index) => rule(`rule-${index}`, source, [destination(`replica-${index}`)])));

/** The configurations that the tests deploy, by what is special about each one. */
export const CONFIGURATIONS = {
  documents: configurationFor({ bucket: 'acme-documents', prefix: 'invoices/' }, { bucket: 'acme-other' }),
  documentsMore: configurationFor(
    { bucket: 'acme-documents', prefix: 'invoices/' },
    { bucket: 'acme-documents', prefix: 'contracts/' },
    { bucket: 'acme-other' },
  ),
  documentsDeleted: file([
    rule('rule-0', { bucket: 'acme-documents', prefix: 'invoices/' }, [destination('replica-0')], {
      deletes: 'replicate',
    }),
    rule('rule-1', { bucket: 'acme-other' }, [destination('replica-1')]),
  ]),
  documentsAll: configurationFor({ bucket: 'acme-documents' }, { bucket: 'acme-other' }),
  eventbridge: configurationFor(
    { bucket: 'acme-documents', events: 'eventbridge' },
    { bucket: 'acme-other' },
  ),
  otherOnly: configurationFor({ bucket: 'acme-other' }),
  missing: configurationFor({ bucket: 'acme-other' }, { bucket: 'acme-missing' }),
  elsewhere: configurationFor({ bucket: 'acme-other' }, { bucket: 'acme-elsewhere' }),
  many: configurationFor(...Array.from({ length: 4 }, (_, index) => ({ bucket: `acme-many-${index}` }))),
};

export const ACCOUNT = '111111111111';
export const THEIR_QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:theirs`;

/** The notification configuration of another team. */
export const THEIRS: NotificationConfiguration = {
  QueueConfigurations: [
    {
      Id: 'their-entry',
      QueueArn: THEIR_QUEUE,
      Events: ['s3:ObjectCreated:Put'],
      Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'photos/' }] } },
    },
  ],
};
