/** Somebody deploys `destination/template.yml` of another version, or with other parameters than the rules need. */
import { DESTINATION_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { REGION, type Stage } from '../stages/stage.ts';
import { givenParameters } from './aws-command.ts';
import type { Mutant } from './mutant.ts';

export const templateMutants = ({ aws, configuration }: Stage): Mutant[] => {
  const stackName = `${configuration.deployment.name}-destination-replicas`;
  const name = { accountId: DESTINATION_ACCOUNT, region: REGION, stackName };
  const stack = aws.cloudformation.describe(name);
  if (stack === null) throw new Error(`there is no stack ${stackName}`);
  const { templateText: template } = stack;
  const parameters = givenParameters(stack);
  const one = (
    what: string,
    cause: string,
    changed: { parameters?: Record<string, string>; template?: string },
  ): Mutant => ({
    name: `stack ${stackName} ${what}`,
    place: 'role replicas',
    causes: [cause],
    apply: async () => {
      await aws.cloudformation.deploy({ ...name, template, parameters, ...changed });
      return () => aws.cloudformation.deploy({ ...name, template, parameters });
    },
  });
  const parsed = JSON.parse(template);
  parsed.Outputs.Version.Value = '0.0.9';
  const withParameters = (changed: Record<string, string>) => ({ parameters: { ...parameters, ...changed } });
  return [
    one('is of another version', 'template-version', { template: JSON.stringify(parsed) }),
    one('allows no deletes', 'template-parameters', withParameters({ ReplicateDeletes: 'no' })),
    one('allows only some keys', 'template-parameters', withParameters({ Prefix: 'elsewhere/' })),
    one('expects another id', 'template-parameters', withParameters({ ExternalId: 'other' })),
  ];
};
