import type { CreatedResource } from '../resource-provider.ts';
import type { Template, TemplateResource } from './template.ts';

/** CloudFormation's own words for the state of stacks and resources. */
export type Action = 'CREATE' | 'UPDATE' | 'DELETE' | 'ROLLBACK' | 'UPDATE_ROLLBACK';
export type StackStatus =
  `${Action}_${'IN_PROGRESS' | 'COMPLETE' | 'FAILED'}` | 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS';
export type ResourceStatus =
  `${'CREATE' | 'UPDATE' | 'DELETE'}_${'IN_PROGRESS' | 'COMPLETE' | 'FAILED'}` | 'DELETE_SKIPPED';

export interface StackResource extends CreatedResource {
  logicalId: string;
  type: string;
  /** Resolved. */
  properties: Record<string, unknown>;
  definition: TemplateResource;
}

export interface StackEvent {
  /** Milliseconds since the epoch. */
  atMs: number;
  logicalId: string;
  type: string;
  physicalId: string;
  status: StackStatus | ResourceStatus;
  reason: string | null;
}

/** A stack as it is now. `resources` are in the order of their creation. */
export interface Stack {
  accountId: string;
  region: string;
  stackName: string;
  stackId: string;
  status: StackStatus;
  template: Template;
  parameters: Record<string, string | string[]>;
  resources: Map<string, StackResource>;
  outputs: Record<string, string>;
  /** Export name → value. */
  exports: Record<string, string>;
  /** Names of other stacks' exports it uses. */
  imports: Set<string>;
  events: StackEvent[];
}

/** A stack operation that did not do what was asked; what it had begun has been taken back as far as possible. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly stackName: string;
  readonly status: StackStatus | null;
  /** The events of this operation. */
  readonly events: StackEvent[];

  constructor(
    stack: { stackName: string; status: StackStatus | null },
    message: string,
    events: StackEvent[],
  ) {
    super(message);
    this.stackName = stack.stackName;
    this.status = stack.status;
    this.events = events;
  }
}
