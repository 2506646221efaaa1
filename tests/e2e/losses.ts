/**
 * What the tests of single permissions share: every permission in the compiled template and in the destination's, taken away one at
 * a time, and what is observed then.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { DESTINATION_ACCOUNT, SOURCE_ACCOUNT } from '../../demo/two-accounts.ts';
import { parseTemplate } from '../../local/cloudformation/template.ts';
import { packaged } from './artifact.ts';
import { ALL_IS_WELL, type Observation } from './battery.ts';
import { type Grant, grantsIn } from './grants.ts';
import { encryptedWith, REGION, setVersioning, SOURCE_KEY, type Stage, startStage } from './stage.ts';

/** What happens without a permission. */
export type Loss =
  /** The deployment fails with these words. */
  | { refused: RegExp }
  /** What differs from {@link ALL_IS_WELL}. `together`: only seen where this one is missing as well. */
  | (Partial<Observation> & { together?: string })
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

const configuration = join(REPOSITORY, 'tests', 'e2e', 'permissions.yml');
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

/** In which of the two templates a permission is. */
export type Where = 'stack' | 'destination';

export interface Listed extends Grant {
  where: Where;
}

export const listed: Listed[] = [
  ...grantsIn(parseTemplate(stackText)).map((grant) => ({ ...grant, where: 'stack' as const })),
  ...grantsIn(parseTemplate(destinationText)).map((grant) => ({ ...grant, where: 'destination' as const })),
];

/** What both ways of deploying it need. */
export const deployment = { configuration, packaged: directory, sourceBuckets };

export const startPermissionStage = (): Promise<Stage> => startStage(deployment);

/** Brings all stacks to their templates without these permissions. */
export const deployWithout = async (stage: Stage, grants: Listed[]): Promise<void> => {
  const deploy = async (where: Where, text: string, accountId: string, stackName: string) => {
    const template = parseTemplate(text);
    if (where === 'destination') setVersioning(template);
    for (const grant of grants) if (grant.where === where) grant.remove(template);
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
  const isAboutRoles = grants.some(({ name }) => name.endsWith('sts:AssumeRole'));
  if (isAboutRoles) await stage.aws.lambda.killEnvironments(stage.names.replicateFunction);
};

export const isObserved = (loss: Loss | undefined): loss is Partial<Observation> & { together?: string } =>
  loss !== undefined && !('refused' in loss || 'unseen' in loss || 'subscribeIsLogged' in loss);

export const permissionNamed = (name: string): Listed => {
  const found = listed.find((grant) => grant.name === name);
  if (found === undefined) throw new Error(`there is no permission ${name}`);
  return found;
};
