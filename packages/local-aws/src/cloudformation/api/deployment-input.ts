import { AwsError, notSupported } from '../../front/aws-error.ts';
import type { QueryInput } from '../../front/query-input.ts';
import type { Deployment } from '../deployment.ts';
import type { Stack } from '../stack.ts';
import { validationError, type Call } from './call.ts';
import { capabilitiesOfText, templateTextOf } from './template-source.ts';

/** What CreateStack, UpdateStack and CreateChangeSet have in common. */
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
 * Reads a deployment. `stack` is the one to be updated, for what is to stay as it was.
 * Throws InsufficientCapabilitiesException unless what the template may give away is acknowledged.
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

/** Tags that are not spoken of stay; an empty list takes them away. */
const tagsOf = (input: QueryInput, stack?: Stack): Record<string, string> => {
  if (stack && input.text('Tags') === undefined && input.records('Tags').length === 0) return stack.tags;
  return Object.fromEntries(
    input.records('Tags').map(({ Key: key = '', Value: value = '' }) => [key, value]),
  );
};

/** Fields that are accepted where they ask for nothing. */
export const refuseRollbackOff = (input: QueryInput): void => {
  if (input.flag('DisableRollback') === true) throw notSupported('stacks that are not rolled back');
};
