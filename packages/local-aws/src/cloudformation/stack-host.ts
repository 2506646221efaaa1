import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { rootCaller } from '../iam/iam.ts';
import type { ChangeContext } from './change-context.ts';
import type { Deployment } from './deployment.ts';
import type { Permit } from './permit.ts';
import type { Provider } from './provider.ts';
import { STACK_TYPE } from './rollback.ts';
import type { Stack } from './stack.ts';

/** The clock and the resource types that stack operations use. */
export interface StackHost {
  clock: Clock;
  /**
   * Returns the provider of a resource type.
   * @throws TemplateError for a type that the local AWS does not have
   */
  provider(type: string): Provider;
  permit: Permit;
}

/** Sets the status of a stack and records it as an event of the stack itself. */
export const setStackStatus = (
  { clock }: StackHost,
  stack: Stack,
  status: Stack['status'],
  reason: string | null = null,
): void => {
  Object.assign(stack, { status, statusReason: reason });
  stack.events.push({
    eventId: randomUUID(),
    atMs: clock.now(),
    logicalId: stack.stackName,
    type: STACK_TYPE,
    physicalId: stack.stackId,
    status,
    reason,
  });
};

/** Creates a context that records events of the stack's resources. The default `caller` is the account's root user. */
export const changeContextOf = (
  { clock, provider, permit }: StackHost,
  stack: Stack,
  { artifacts, caller, adopted }: Pick<Deployment, 'artifacts' | 'caller' | 'adopted'>,
): ChangeContext => ({
  stack,
  artifacts: artifacts ?? null,
  caller: caller ?? rootCaller(stack.accountId),
  permit,
  oldTags: stack.tags,
  adopted: adopted ?? {},
  provider,
  record: ({ logicalId, type, physicalId }, status, reason) => {
    stack.events.push({
      eventId: `${logicalId}-${status}-${randomUUID()}`,
      atMs: clock.now(),
      logicalId,
      type,
      physicalId,
      status,
      reason: reason ?? null,
    });
  },
});
