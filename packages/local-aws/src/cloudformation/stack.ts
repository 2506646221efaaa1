import type { CreatedResource } from '../core/resource-provider.ts';
import { randomUUID } from 'node:crypto';
import { parseTemplate, TemplateError, type Template, type TemplateResource } from './template.ts';

/** The first part of a status name, e.g. `UPDATE` in `UPDATE_COMPLETE`. */
export type Action =
  'CREATE' | 'UPDATE' | 'DELETE' | 'IMPORT' | 'ROLLBACK' | 'UPDATE_ROLLBACK' | 'IMPORT_ROLLBACK';
export type StackStatus =
  | `${Action}_${'IN_PROGRESS' | 'COMPLETE' | 'FAILED'}`
  | 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'
  /** The stack has change sets but no resources yet. */
  | 'REVIEW_IN_PROGRESS';
export type ResourceStatus =
  `${'CREATE' | 'UPDATE' | 'DELETE' | 'IMPORT'}_${'IN_PROGRESS' | 'COMPLETE' | 'FAILED'}` | 'DELETE_SKIPPED';

export interface StackResource extends CreatedResource {
  logicalId: string;
  type: string;
  /** The properties as values: intrinsic functions are already evaluated. */
  properties: Record<string, unknown>;
  definition: TemplateResource;
}

export interface StackEvent {
  eventId: string;
  /** When the event occurred, in milliseconds since the epoch. */
  atMs: number;
  logicalId: string;
  type: string;
  physicalId: string;
  status: StackStatus | ResourceStatus;
  reason: string | null;
}

/** The current state of a stack. `resources` are in the order of their creation. */
export interface Stack {
  accountId: string;
  region: string;
  stackName: string;
  stackId: string;
  status: StackStatus;
  statusReason: string | null;
  /** When the stack was created, in milliseconds since the epoch. */
  createdAtMs: number;
  updatedAtMs: number | null;
  deletedAtMs: number | null;
  template: Template;
  /** The template as the caller passed it. */
  templateText: string;
  parameters: Record<string, string | string[]>;
  tags: Record<string, string>;
  capabilities: string[];
  /** True if termination protection is enabled. */
  isProtected: boolean;
  resources: Map<string, StackResource>;
  outputs: Record<string, string>;
  /** The exported values by export name. */
  exports: Record<string, string>;
  /** The names of the exports of other stacks that this stack uses. */
  imports: Set<string>;
  events: StackEvent[];
}

/** True if the stack has never had resources. */
export const isNew = (stack: Stack): boolean =>
  stack.status === 'REVIEW_IN_PROGRESS' || stack.events.length === 0;

/** Creates an empty stack. Throws TemplateError for an invalid name. */
export const newStack = (
  { accountId, region, stackName }: Pick<Stack, 'accountId' | 'region' | 'stackName'>,
  createdAtMs: number,
): Stack => {
  if (!/^[a-zA-Z][a-zA-Z0-9-]{0,127}$/.test(stackName)) {
    throw new TemplateError(
      `1 validation error detected: Value '${stackName}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*`,
    );
  }
  return {
    accountId,
    region,
    stackName,
    stackId: `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/${randomUUID()}`,
    status: 'CREATE_IN_PROGRESS',
    statusReason: null,
    createdAtMs,
    updatedAtMs: null,
    deletedAtMs: null,
    template: parseTemplate(EMPTY_TEMPLATE),
    templateText: EMPTY_TEMPLATE,
    parameters: {},
    tags: {},
    capabilities: [],
    isProtected: false,
    resources: new Map(),
    outputs: {},
    exports: {},
    imports: new Set(),
    events: [],
  };
};

const EMPTY_TEMPLATE = '{"Resources":{}}';

/** The error of a failed stack operation. Its changes have been rolled back as far as possible. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly stackName: string;
  readonly status: StackStatus | null;
  /** The events of the failed operation. */
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
