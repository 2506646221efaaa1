import {
  type Configuration,
  DEFAULT_STAGE,
  type DeploymentOptions,
} from '../lib/configuration/configuration.ts';

/** Returns what to do after a deployment: three commands, each with its meaning. `options` are those of the deployment. */
export const nextSteps = (
  { replication }: Pick<Configuration, 'replication'>,
  { stage, region }: DeploymentOptions,
): string[] => {
  const place = [
    ...(stage === undefined || stage === DEFAULT_STAGE ? [] : ['--stage', stage]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
  const steps: [command: string, meaning: string][] = [
    ['config destination', 'roles at the destinations'],
    [`backfill start --rule ${replication.rules[0]?.id ?? ''}`, 'what was there before'],
    ['dlq list', 'what failed, and its fix'],
  ];
  return steps.map(
    ([command, meaning]) => `${['npx s3-replicator', command, ...place].join(' ')}  # ${meaning}`,
  );
};
