import { messageOf } from './apply-changes.ts';
import { StackError, type Action, type Stack, type StackEvent } from './stack.ts';

/** Returns the state of a stack, without its resources, for the rollback of an update. */
export const snapshot = (stack: Stack): Partial<Stack> => {
  const { template, templateText, parameters, tags, capabilities, outputs, exports, imports } = stack;
  return { template, templateText, parameters, tags, capabilities, outputs, exports, imports };
};

/** Sorts the resources that existed before a change into their old order, in which each resource comes after its dependencies. */
export const inOrderOf = (before: string[], resources: Stack['resources']): Stack['resources'] => {
  const known = before.flatMap((logicalId) => {
    const resource = resources.get(logicalId);
    return resource ? [[logicalId, resource] as const] : [];
  });
  return new Map([...known, ...[...resources].filter(([logicalId]) => !before.includes(logicalId))]);
};

export const runBackwards = (steps: (() => Promise<void>)[]): Promise<boolean> =>
  runInOrder(steps.toReversed());

/** Runs all steps, even if one fails. Resolves to true if all steps succeeded. */
export const runInOrder = async (steps: (() => Promise<void>)[]): Promise<boolean> => {
  let isFine = true;
  for (const step of steps) {
    await step().catch(() => {
      isFine = false;
    });
  }
  return isFine;
};

export const rollbackOf = (
  action: 'CREATE' | 'UPDATE' | 'IMPORT',
  { onFailure }: { onFailure?: 'ROLLBACK' | 'DELETE' },
): Action => {
  if (action !== 'CREATE') return `${action}_ROLLBACK`;
  return onFailure === 'DELETE' ? 'DELETE' : 'ROLLBACK';
};

/**
 * Returns the reason for a rollback in CloudFormation's words, e.g. `The following resource(s) failed to create: [A]. `. If no resource
 * failed, returns the message of the error.
 */
export const rollbackReason = (events: StackEvent[], error: unknown): string => {
  const sentences = (['create', 'update'] as const).flatMap((verb) => {
    const failed = events.filter(({ status }) => status === `${verb.toUpperCase()}_FAILED`);
    const ids = failed.map(({ logicalId }) => logicalId).join(', ');
    return ids === '' ? [] : [`The following resource(s) failed to ${verb}: [${ids}]. `];
  });
  return sentences.length === 0 ? messageOf(error) : sentences.join('');
};

export const stackError = (stack: Stack, cause: unknown, events: StackEvent[]): StackError => {
  const failed = events.filter((event) => event.status.endsWith('_FAILED') && event.type !== STACK_TYPE);
  const reasons = failed.map(
    (event) => `${event.logicalId} (${event.type}): ${event.status}: ${event.reason}`,
  );
  if (reasons.length === 0 && cause !== null) reasons.push(messageOf(cause));
  const error = new StackError(
    stack,
    `Stack ${stack.stackName} is in ${stack.status}\n${reasons.join('\n')}`,
    events,
  );
  error.cause = cause;
  return error;
};

export const STACK_TYPE = 'AWS::CloudFormation::Stack';
