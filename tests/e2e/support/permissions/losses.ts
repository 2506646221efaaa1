/**
 * Lists every permission of the compiled template and of the destination template, and deploys the stacks without some of them. All
 * tests that remove permissions use this file.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY, TEMPLATE_FILE } from '../../../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { parseTemplate, type Template } from '@s3-replicator/local-aws/template';
import { packaged, replicationFileOf } from '../stages/packaged.ts';
import { ALL_IS_WELL, type Observation } from './event-battery.ts';
import { type Grant, grantsIn } from './grants.ts';
import {
  encryptedWith,
  REGION,
  setVersioning,
  SOURCE_KEY,
  type Stage,
  type StageOptions,
  startStage,
} from '../stages/stage.ts';

/** The effect of a missing permission. */
export type Loss<O = Observation> =
  /** The deployment fails with a message that matches this expression. */
  | { refused: RegExp }
  /**
   * The observations that differ from those of a complete deployment. `together` names a second permission that is removed as well.
   */
  | (Partial<O> & { together?: string })
  /** The deployment succeeds, but the log lines of the subscribe function are lost. */
  | { subscribeIsLogged: false }
  /** The reason why the tests cannot observe the effect. */
  | { unseen: string };

/** The effect of losing the statement that lets only S3, EventBridge and the roles of the stack send to a queue. */
export const ONLY_THIS_STACK = {
  unseen: 'tests/security/queues.test.ts attacks the queues with it and without its condition',
};

/** The objects of the event battery that come from a versioned bucket. */
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
/** The effect if a session may no longer name the function that began it. */
export const NAMELESS = {
  unseen: 'sessions then have no source identity, as tests/security/roles.test.ts shows',
};
/** All objects of the event battery that are replicated. */
export const REPLICATED = [...OF_VERSIONS, 'bridged'];
/** The replicated objects and the archived object. The archived object cannot be replicated, but its restore is requested. */
export const REPLICATED_OR_ASKED_FOR = [...OF_VERSIONS, 'archived', 'bridged'];

export const deadAs = (reason: string, names: string[]): string[] =>
  [...names.map((name) => `${name}: ${reason}`), ...ALL_IS_WELL.dead].toSorted();
export const quarantined = (reason: string, names: string[]) => ({
  missing: names,
  dead: deadAs(reason, names),
});

const NO_OTHER_OWNER =
  'no bucket of this test belongs to another account; tests/security/bucket-owner.test.ts has one';
/** The two permissions of a role that concern owners of buckets. */
export const unseenOwners = (role: string): Record<string, { unseen: string }> => ({
  [`${role} OwnBuckets s3:ListAllMyBuckets`]: {
    unseen: 'it is used only after a refusal, as tests/security/bucket-owner.test.ts proves',
  },
  [`${role} OtherOwners s3:*`]: { unseen: NO_OTHER_OWNER },
});

export const UNSEEN_OWNERS_OF_RUNS = {
  ...unseenOwners('BackfillRole'),
  ...unseenOwners('BatchRole'),
  ...unseenOwners('CompareRole'),
  'BatchJobRole OtherOwners s3:*': { unseen: NO_OTHER_OWNER },
};

const configuration = replicationFileOf('permissions');
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
  // This bucket was never versioned.
  bridged: { OwnershipControls: GRANTING },
};

/**
 * The group of a permission. Each group has its own test file. `runs` are permissions only for backfill and verify, and `transfers`
 * are permissions only for transfers and for copies inside S3. All others belong to the template that contains them: `stack` or
 * `destination`.
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
const whereInDestination = (name: string): Where => {
  // A verify reads the lock of a replica, but the tests of runs have no locked replica.
  if (/^CompareRole (?!ReadLocks )/.test(name)) return 'runs';
  return / (CopySources|DecryptSources) | s3:List\w*Multipart/.test(name) ? 'transfers' : 'destination';
};

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

/** Returns the permissions of this group, each with the effect of its loss. */
export const losing = <O>(where: Where, losses: Record<string, Loss<O>>) =>
  listed.filter((grant) => grant.where === where).map((grant) => ({ ...grant, loss: losses[grant.name] }));

/** The options of every deployment in the permission tests. */
export const deployment = {
  configuration,
  sourceBuckets,
  before: async ({ aws }: Pick<Stage, 'aws'>): Promise<void> =>
    aws.s3.createBucket({ name: 'reports', accountId: SOURCE_ACCOUNT, region: REGION }),
};

export const startPermissionStage = (options: StageOptions = {}): Promise<Stage> =>
  startStage({ ...deployment, ...options });

/**
 * Deploys all stacks again without these permissions. `edit` makes further changes to the template of the source account's stack,
 * but not to those of the destinations.
 */
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
  // A process of a function may still have credentials of the role, although the function can no longer assume the role. Therefore
  // the processes are ended.
  for (const { name } of grants)
    if (name.endsWith('sts:AssumeRole')) await stage.aws.lambda.killEnvironments(functionOf(name, stage));
};

const functionOf = (grant: string, { names }: Stage): string => {
  if (/^(Backfill|Compare)/.test(grant)) return names.backfillFunction;
  return grant.startsWith('Batch') ? names.batchFunction : names.replicateFunction;
};

export const isObserved = <O>(loss: Loss<O> | undefined): loss is Partial<O> & { together?: string } =>
  loss !== undefined && !('refused' in loss || 'unseen' in loss || 'subscribeIsLogged' in loss);

export const permissionNamed = (name: string): Listed => {
  const found = listed.find((grant) => grant.name === name);
  if (found === undefined) throw new Error(`there is no permission ${name}`);
  return found;
};

/** A way to observe the effect of a missing permission. */
export interface Look<O> {
  /** Matches the names of the permissions whose loss is observed this way. */
  of: RegExp;
  at(stage: Stage, run: string): Promise<Partial<O>>;
  /** The observation of a complete deployment. */
  well: Partial<O>;
}

/** Returns the first look that matches the permission. */
export const lookOf = <O>(looks: Look<O>[], permission: string): Look<O> => {
  const found = looks.find(({ of }) => of.test(permission));
  if (found === undefined) throw new Error(`no look matches the permission ${permission}`);
  return found;
};
