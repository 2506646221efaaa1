/** The second of two deployments, which replicates the opposite way. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY, TEMPLATE_FILE } from '../../../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { loadConfiguration } from '../../../../src/lib/configuration/configuration.ts';
import { resourceNames } from '../../../../src/lib/configuration/resource-names.ts';
import { packaged, replicationFileOf } from './packaged.ts';
import { messagesOf, REGION, type Stage, waitingQueuesOf } from './stage.ts';

export type Opposite = Pick<Stage, 'aws' | 'live' | 'waiting' | 'dead' | 'names'>;

const BACK = replicationFileOf('two-way-back');

/** The key of the other deployment, which two-way-forth.yml names. */
const BACK_KEY = {
  privateKey: 'clG62A2bvL_klnVWMUvd8qfg3Xn3n-03beG23e2dblU',
  publicKey: 'wb30F2ZjLStp29Ia9VheZLoMU7yHc-NBP5rUEKY7qCA',
};

/** Deploys the opposite direction. Its destination buckets exist already, except for the last bucket of the chain. */
export const deployBack = async ({ aws }: Pick<Stage, 'aws'>): Promise<Opposite> => {
  const back = await deployOpposite(aws, BACK, await packaged(BACK), new Set(['chain-c']));
  const Item = Object.fromEntries(Object.entries(BACK_KEY).map(([name, S]) => [name, { S }]));
  await aws.dynamodb
    .tables(DESTINATION_ACCOUNT, REGION)
    .call('PutItem', { TableName: back.names.table, Item: { id: { S: 'stamp-key' }, ...Item } });
  return back;
};

/**
 * Deploys a stack of the destination account, whose destinations are in the source account. `artifacts` is the output folder of the
 * framework. The buckets in `created` are created, all others must exist.
 */
export const deployOpposite = async (
  aws: Stage['aws'],
  replicationFile: string,
  artifacts: string,
  created: ReadonlySet<string> = new Set(),
): Promise<Opposite> => {
  const { deployment, replication } = loadConfiguration(replicationFile);
  const names = resourceNames(deployment);
  const template = await readFile(join(REPOSITORY, 'destination', 'template.yml'), 'utf8');
  const destinations = replication.rules.flatMap((rule) => rule.destinations);
  for (const { bucket, roleArn, externalId } of destinations.filter(({ service }) => service === null)) {
    await aws.cloudformation.deploy({
      accountId: SOURCE_ACCOUNT,
      region: REGION,
      stackName: `back-destination-${bucket}`,
      template,
      parameters: {
        SourceRoleArn: `arn:aws:iam::${DESTINATION_ACCOUNT}:role/${names.replicateRole}`,
        ExternalId: externalId ?? '',
        BucketName: bucket,
        RoleName: roleArn?.split('/').at(-1) ?? '',
        ReplicateDeletes: 'yes',
        CreateBucket: created.has(bucket) ? 'yes' : 'no',
      },
    });
  }
  await aws.cloudformation.deploy({
    accountId: DESTINATION_ACCOUNT,
    region: REGION,
    stackName: names.stack,
    template: await readFile(join(artifacts, TEMPLATE_FILE), 'utf8'),
    artifacts,
  });
  const messages = (name: string) => messagesOf(aws, name, DESTINATION_ACCOUNT);
  return {
    aws,
    names,
    live: messages(names.liveQueue),
    waiting: waitingQueuesOf({ aws, names }, DESTINATION_ACCOUNT),
    dead: messages(names.deadLetterQueue),
  };
};
