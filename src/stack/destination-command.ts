import { shellCommand } from '../lib/text/shell.ts';
import type { DestinationStack } from './destination-stacks.ts';

/**
 * Returns the command that deploys `destination/template.yml`, which is the file `template`. CloudFormation keeps the value of each
 * parameter that is not given.
 */
export const destinationCommand = (
  { region, stackName, parameters }: Pick<DestinationStack, 'parameters' | 'region' | 'stackName'>,
  { template, profile = null, width }: { template: string; profile?: string | null; width?: number },
): string =>
  shellCommand(
    [
      ['aws', 'cloudformation', 'deploy'],
      ...(profile === null ? [] : [['--profile', profile]]),
      ['--region', region],
      ['--stack-name', stackName],
      ['--template-file', template],
      ['--capabilities', 'CAPABILITY_NAMED_IAM'],
      ...(Object.keys(parameters).length === 0 ? [] : [['--parameter-overrides']]),
      ...Object.entries(parameters).map(([name, value]) => [`${name}=${value}`]),
    ],
    width,
  );
