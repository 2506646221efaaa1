import { AwsError, notSupported } from '../../front/aws-error.ts';
import type { QueryInput } from '../../front/query-input.ts';
import type { Stack } from '../stack.ts';
import { authorize, findStack, required, stackArn, validationError, type Operation } from './call.ts';
import { DEPLOYMENT_FIELDS, deploymentOf, refuseRollbackOff } from './deployment-input.ts';

/**
 * The operations that change a stack. They return before the change is complete.
 * Sources: the pages of these names in the CloudFormation API Reference.
 */
export const stackOperations: Record<string, Operation> = {
  CreateStack: {
    known: [...DEPLOYMENT_FIELDS, 'OnFailure', 'DisableRollback', 'EnableTerminationProtection'],
    run: async (call) => {
      const stackName = required(call.input, 'StackName');
      authorize(call, 'CreateStack', stackArn(call, stackName));
      refuseRollbackOff(call.input);
      refuseTaken(call.cloudformation.describe({ ...call, stackName }));
      const deployment = await deploymentOf(call, stackName);
      const onFailure = onFailureOf(call.input);
      refuseTaken(call.cloudformation.describe({ ...call, stackName }));
      const { stack } = call.cloudformation.begin({ ...deployment, onFailure });
      stack.isProtected = call.input.flag('EnableTerminationProtection') ?? false;
      return { StackId: stack.stackId };
    },
  },
  UpdateStack: {
    known: [...DEPLOYMENT_FIELDS, 'UsePreviousTemplate', 'DisableRollback'],
    run: async (call) => {
      const stack = findStack(
        call,
        'UpdateStack',
        required(call.input, 'StackName'),
        (name) => `Stack [${name}] does not exist`,
      );
      refuseRollbackOff(call.input);
      refuseUnderReview(stack);
      const deployment = await deploymentOf(call, stack.stackName, stack);
      if (call.cloudformation.preview(deployment) === null) {
        throw validationError('No updates are to be performed.');
      }
      call.cloudformation.begin(deployment);
      return { StackId: stack.stackId };
    },
  },
  DeleteStack: {
    known: ['StackName', 'ClientRequestToken'],
    run: (call) => {
      const nameOrId = required(call.input, 'StackName');
      authorize(call, 'DeleteStack', stackArn(call, nameOrId));
      const stack = call.cloudformation
        .stacks()
        .findLast(
          ({ stackId, stackName, accountId, region }) =>
            stackId === nameOrId ||
            (stackName === nameOrId && accountId === call.accountId && region === call.region),
        );
      if (!stack || stack.status === 'DELETE_COMPLETE' || stack.status === 'DELETE_IN_PROGRESS') return {};
      if (stack.isProtected) {
        throw validationError(
          `Stack [${stack.stackName}] cannot be deleted while TerminationProtection is enabled`,
        );
      }
      if (stack.status.endsWith('_IN_PROGRESS') && stack.status !== 'REVIEW_IN_PROGRESS') {
        throw validationError(`Stack [${stack.stackName}] cannot be deleted while in status ${stack.status}`);
      }
      call.cloudformation.beginRemoval(stack, call.request.caller);
      return {};
    },
  },
  UpdateTerminationProtection: {
    known: ['StackName', 'EnableTerminationProtection'],
    run: (call) => {
      const name = required(call.input, 'StackName');
      const stack = findStack(
        call,
        'UpdateTerminationProtection',
        name,
        () => `Stack [${name}] does not exist`,
      );
      stack.isProtected = call.input.flag('EnableTerminationProtection') ?? false;
      return { StackId: stack.stackId };
    },
  },
  SetStackPolicy: {
    known: ['StackName', 'StackPolicyBody'],
    run: (call) => {
      const name = required(call.input, 'StackName');
      findStack(call, 'SetStackPolicy', name, () => `Stack [${name}] does not exist`);
      refuseStackPolicy(required(call.input, 'StackPolicyBody'));
      return {};
    },
  },
};

const refuseTaken = (stack: Stack | null): void => {
  if (!stack || stack.status === 'DELETE_COMPLETE') return;
  throw new AwsError('AlreadyExistsException', `Stack [${stack.stackName}] already exists`);
};

const onFailureOf = (input: QueryInput): 'ROLLBACK' | 'DELETE' => {
  const onFailure = input.text('OnFailure') ?? 'ROLLBACK';
  if (onFailure === 'ROLLBACK' || onFailure === 'DELETE') return onFailure;
  throw notSupported(`OnFailure ${onFailure}`);
};

export const refuseUnderReview = ({ status, stackId }: Stack): void => {
  if (status === 'REVIEW_IN_PROGRESS') {
    throw validationError(`Stack:${stackId} is in ${status} state and can not be updated.`);
  }
};

/** Throws an error unless the stack policy allows everything. The local CloudFormation does not enforce stack policies. */
const refuseStackPolicy = (text: string): void => {
  const { Statement: statements }: { Statement?: Record<string, unknown>[] } = JSON.parse(text);
  const isOpen = statements?.every(
    ({ Effect: effect, Action: action, Resource: resource }) =>
      effect === 'Allow' && ['*', 'Update:*'].includes(String(action)) && resource === '*',
  );
  if (isOpen !== true) throw notSupported('a stack policy that forbids anything');
};
