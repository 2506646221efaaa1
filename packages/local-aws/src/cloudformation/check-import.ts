import { isDeepStrictEqual } from 'node:util';
import type { AdoptedResource } from './deployment.ts';
import { resourceChanges, type Plan } from './plan.ts';
import { isNew, type Stack } from './stack.ts';
import { TemplateError } from './template.ts';

/**
 * Throws an error unless the plan does nothing but import. An import may not create, change or remove other resources, and may not change
 * outputs. Each resource to import needs a DeletionPolicy, and may not belong to a stack already.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
 */
export const checkImport = (
  stack: Stack,
  plan: Plan,
  adopted: Record<string, AdoptedResource>,
  stacks: Stack[],
): void => {
  if (isNew(stack)) throw new TemplateError('the local CloudFormation imports only into existing stacks');
  const others = resourceChanges(stack, plan).filter(
    ({ action, logicalId }) => action !== 'Add' || !(logicalId in adopted),
  );
  if (others.length > 0) {
    const names = others.map(({ logicalId }) => logicalId).join(', ');
    throw new TemplateError(
      `You have modified resources [${names}] in your template that are not being imported. Update, create or delete operations cannot be executed during import operations.`,
    );
  }
  if (!isDeepStrictEqual(plan.template.Outputs, stack.template.Outputs))
    throw new TemplateError('As part of the import operation, you cannot modify or add [Outputs]');
  for (const [logicalId, { type, identifier }] of Object.entries(adopted)) {
    const definition = plan.template.Resources[logicalId];
    if (definition?.Type !== type)
      throw new TemplateError(`There is no resource ${logicalId} of type ${type}`);
    if (definition.DeletionPolicy === undefined)
      throw new TemplateError(
        `Resources [${logicalId}] is missing DeletionPolicy attribute and can not be imported`,
      );
    const owner = stacks.find((other) => owns(other, stack, type, Object.values(identifier)));
    if (owner) throw new TemplateError(`${logicalId} already belongs to the stack ${owner.stackName}`);
  }
};

const owns = (other: Stack, stack: Stack, type: string, identifiers: string[]): boolean =>
  other.accountId === stack.accountId &&
  other.region === stack.region &&
  other.status !== 'DELETE_COMPLETE' &&
  [...other.resources.values()].some(
    (resource) => resource.type === type && identifiers.includes(resource.physicalId),
  );
