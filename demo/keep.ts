/** Returns lines that explain how to use the two accounts from another terminal while the demo keeps them running. */
import type { Account } from './account.ts';
import type { TwoAccounts } from './two-accounts.ts';

export const keepLines = ({ source, destination, configuration, aws }: TwoAccounts): string[] => {
  const [rule] = configuration.replication.rules;
  const destinations = configuration.replication.rules.flatMap((each) => each.destinations);
  const [first] = destinations;
  const elsewhere = destinations.filter(({ region }) => region !== aws.region);
  const from = `${rule?.source.bucket}/${rule?.source.prefix}`;
  return [
    '# The source account (in another terminal):',
    ...exports(source),
    '',
    `aws s3 cp package.json s3://${from}`,
    `aws s3api list-object-versions --bucket ${rule?.source.bucket}`,
    'npx s3-replicator dlq list',
    '# AWS CLI version 1 ignores AWS_ENDPOINT_URL for SQS, so it needs the option:',
    `aws sqs list-queues --endpoint-url ${aws.endpoint}`,
    '',
    '# The destination account:',
    ...exports(destination),
    '',
    `aws s3 ls --recursive s3://${first?.bucket}`,
    `aws s3api head-object --bucket ${first?.bucket} --key ${rule?.source.prefix}package.json`,
    '',
    `# A bucket outside ${aws.region}:`,
    ...elsewhere.map(({ bucket, region }) => `aws s3 ls --recursive --region ${region} s3://${bucket}`),
  ];
};

const exports = (account: Account): string[] =>
  Object.entries(account.environment()).map(([name, value]) => `export ${name}=${value}`);
