import { AwsError, notSupported } from '../../front/aws-error.ts';
import type { QueryInput } from '../../front/query-input.ts';
import type { Deployment } from '../deployment.ts';
import type { Stack } from '../stack.ts';
import { validationError, type Call } from './call.ts';
import { capabilitiesOfText, templateTextOf } from './template-source.ts';

/** The fields that CreateStack, UpdateStack and CreateChangeSet have in common. */
export const DEPLOYMENT_FIELDS = [
  'StackName',
  'TemplateBody',
  'TemplateURL',
  'Parameters',
  'Tags',
  'Capabilities',
  'ClientRequestToken',
];

/**
 * Reads the deployment that a request describes. `stack` is the stack to update. Values that the request omits are taken from the stack.
 * Throws InsufficientCapabilitiesException unless the caller acknowledges the permissions that the template may grant.
 */
export const deploymentOf = async (call: Call, stackName: string, stack?: Stack): Promise<Deployment> => {
  const { input, accountId, region, request } = call;
  const template = await templateTextOf(call, stack);
  const capabilities = input.list('Capabilities');
  const needed = capabilitiesOfText(template);
  const isGiven = (capability: string): boolean =>
    capabilities.includes(capability) || capabilities.includes('CAPABILITY_NAMED_IAM');
  if (!needed.every(isGiven)) {
    throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${needed.join(', ')}]`);
  }
  return {
    accountId,
    region,
    stackName,
    template,
    parameters: parametersOf(input, stack),
    tags: tagsOf(input, stack),
    capabilities,
    caller: request.caller,
  };
};

const parametersOf = (input: QueryInput, stack?: Stack): Record<string, string> => {
  const given = input.records('Parameters').map((parameter) => {
    const { ParameterKey: key = '', ParameterValue: value = '', UsePreviousValue: previous } = parameter;
    return [key, previous === 'true' ? previousValue(key, stack) : value] as const;
  });
  return Object.fromEntries(given);
};

const previousValue = (key: string, stack?: Stack): string => {
  const value = stack?.parameters[key];
  if (value === undefined) {
    throw validationError(`Parameters: [${key}] do not exist in the template`);
  }
  return [value].flat().join(',');
};

/** The stack's new tags. Without the field Tags, the stack keeps its tags. An empty list removes all tags. */
const tagsOf = (input: QueryInput, stack?: Stack): Record<string, string> => {
  if (stack && input.text('Tags') === undefined && input.records('Tags').length === 0) return stack.tags;
  return Object.fromEntries(
    input.records('Tags').map(({ Key: key = '', Value: value = '' }) => [key, value]),
  );
};

/** Throws NotImplemented if the request disables the rollback of stacks. */
export const refuseRollbackOff = (input: QueryInput): void => {
  if (input.flag('DisableRollback') === true) throw notSupported('stacks that are not rolled back');
};
