/**
 * What the tests of single permissions share: every permission in the compiled template and in the destination's, taken away one at
 * a time, and what is observed then.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY, TEMPLATE_FILE } from '../../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT, type TwoAccountsOptions } from '../../../demo/two-accounts.ts';
import { parseTemplate, type Template } from '@s3-replicator/local-aws/template';
import { packaged } from './artifact.ts';
import { ALL_IS_WELL, type Observation } from './battery.ts';
import { type Grant, grantsIn } from './grants.ts';
import { encryptedWith, REGION, setVersioning, SOURCE_KEY, type Stage, startStage } from './stage.ts';

/** What happens without a permission. */
export type Loss<O = Observation> =
  /** The deployment fails with these words. */
  | { refused: RegExp }
  /** What differs from when all is well. `together`: only seen where this one is missing as well. */
  | (Partial<O> & { together?: string })
  /** The deployment succeeds, but nobody can read what the function wrote meanwhile. */
  | { subscribeIsLogged: false }
  /** Why it cannot be seen here. */
  | { unseen: string };

/** The objects of the battery that come from a bucket with versions … */
export const OF_VERSIONS = [
  'small',
  'overwrite',
  'large',
  'multipart',
  'retried',
  'tagged',
  'retagged',
  'retained',
  'held',
  'granted',
];
/** … all that are replicated … */
export const REPLICATED = [...OF_VERSIONS, 'bridged'];
/** … and the archived one, which a restore is asked for. */
export const REPLICATED_OR_ASKED_FOR = [...OF_VERSIONS, 'archived', 'bridged'];

export const deadAs = (reason: string, names: string[]): string[] =>
  [...names.map((name) => `${name}: ${reason}`), ...ALL_IS_WELL.dead].toSorted();
export const quarantined = (reason: string, names: string[]) => ({
  missing: names,
  dead: deadAs(reason, names),
});

const configuration = join(REPOSITORY, 'tests', 'e2e', 'support', 'permissions.yml');
const directory = await packaged(configuration);
const stackText = await readFile(join(directory, TEMPLATE_FILE), 'utf8');
const destinationText = await readFile(join(REPOSITORY, 'destination', 'template.yml'), 'utf8');
const GRANTING = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] };
const sourceBuckets = {
  notified: {
    VersioningConfiguration: { Status: 'Enabled' },
    BucketEncryption: encryptedWith(SOURCE_KEY),
    ObjectLockEnabled: true,
    OwnershipControls: GRANTING,
  },
  // Never versioned.
  bridged: { OwnershipControls: GRANTING },
};

/**
 * In which of the two templates a permission is, but for those that are needed by one thing alone: by backfill and verify (`runs`), by
 * transfers, or by copies that S3 makes itself (both `transfers`).
 */
export type Where = 'stack' | 'runs' | 'destination' | 'transfers';

export interface Listed extends Grant {
  where: Where;
  template: 'stack' | 'destination';
}

const whereInStack = (name: string): Where => {
  if (/^Transfer|^BatchRole Ranges | (Transfers|Sweep) |^ReplicateRole Queues sqs:SendMessage$/.test(name))
    return 'transfers';
  return /^(Backfill|Batch|Ranges|Runs)| RunCounts /.test(name) ? 'runs' : 'stack';
};
const whereInDestination = (name: string): Where =>
  / (CopySources|DecryptSources) | s3:List\w*Multipart/.test(name) ? 'transfers' : 'destination';

const listed: Listed[] = [
  ...grantsIn(parseTemplate(stackText)).map((grant) => ({
    ...grant,
    where: whereInStack(grant.name),
    template: 'stack' as const,
  })),
  ...grantsIn(parseTemplate(destinationText)).map((grant) => ({
    ...grant,
    where: whereInDestination(grant.name),
    template: 'destination' as const,
  })),
];

/** The permissions there, each with what happens without it. */
export const losing = <O>(where: Where, losses: Record<string, Loss<O>>) =>
  listed.filter((grant) => grant.where === where).map((grant) => ({ ...grant, loss: losses[grant.name] }));

/** What both ways of deploying it need. */
export const deployment = {
  configuration,
  packaged: directory,
  sourceBuckets,
  before: async ({ aws }: Pick<Stage, 'aws'>): Promise<void> =>
    aws.s3.createBucket({ name: 'reports', accountId: SOURCE_ACCOUNT, region: REGION }),
};

export const startPermissionStage = (options: TwoAccountsOptions = {}): Promise<Stage> =>
  startStage({ ...deployment, ...options });

/** Brings all stacks to their templates without these permissions. `edit`: what else is changed in the stack. */
export const deployWithout = async (
  stage: Stage,
  grants: Listed[],
  edit: (template: Template) => void = () => undefined,
): Promise<void> => {
  const deploy = async (which: Listed['template'], text: string, accountId: string, stackName: string) => {
    const template = parseTemplate(text);
    if (which === 'destination') setVersioning(template);
    else edit(template);
    for (const grant of grants) if (grant.template === which) grant.remove(template);
    const place = { accountId, region: REGION, stackName };
    const given = Object.entries(stage.aws.cloudformation.describe(place)?.parameters ?? {});
    await stage.aws.cloudformation.deploy({
      ...place,
      template: JSON.stringify(template),
      parameters: Object.fromEntries(given.map(([name, value]) => [name, String(value)])),
      artifacts: directory,
    });
  };
  await deploy('stack', stackText, SOURCE_ACCOUNT, stage.names.stack);
  for (const bucket of ['replicas', 'plain-replica']) {
    const stackName = `permissions-destination-${bucket}`;
    await deploy('destination', destinationText, DESTINATION_ACCOUNT, stackName);
  }
  // Credentials outlive the permission to get them.
  for (const { name } of grants)
    if (name.endsWith('sts:AssumeRole')) await stage.aws.lambda.killEnvironments(functionOf(name, stage));
};

const functionOf = (grant: string, { names }: Stage): string => {
  if (grant.startsWith('Backfill')) return names.backfillFunction;
  return grant.startsWith('Batch') ? names.batchFunction : names.replicateFunction;
};

export const isObserved = <O>(loss: Loss<O> | undefined): loss is Partial<O> & { together?: string } =>
  loss !== undefined && !('refused' in loss || 'unseen' in loss || 'subscribeIsLogged' in loss);

export const permissionNamed = (name: string): Listed => {
  const found = listed.find((grant) => grant.name === name);
  if (found === undefined) throw new Error(`there is no permission ${name}`);
  return found;
};

/** How to look, and what is seen when nothing is missing. */
export interface Look<O> {
  of: RegExp;
  at(stage: Stage, run: string): Promise<Partial<O>>;
  well: Partial<O>;
}

/** The first that is of this permission. */
export const lookOf = <O>(looks: Look<O>[], permission: string): Look<O> => {
  const found = looks.find(({ of }) => of.test(permission));
  if (found === undefined) throw new Error(`nobody looks at what happens without ${permission}`);
  return found;
};
