import { isDeepStrictEqual } from 'node:util';
import { resolve, type Scope } from './intrinsics.ts';
import { parameterValues } from './parameters.ts';
import type { Provider } from './provider.ts';
import { orderResources, type Order, type PlannedResource } from './resource-order.ts';
import type { Stack } from './stack.ts';
import { createStackScope, PSEUDO_PARAMETERS, resolveOutputs } from './stack-scope.ts';
import { parseTemplate, type Template } from './template.ts';

/** The planned state of a stack. */
export interface Plan {
  template: Template;
  templateText: string;
  parameters: Record<string, string | string[]>;
  /** The exports of other stacks that the plan uses. Looking an export up adds its name. */
  imports: Set<string>;
  planned: PlannedResource[];
  scope: Scope;
}

/** The change of one resource. */
export interface ResourceChange {
  action: 'Add' | 'Modify' | 'Remove';
  logicalId: string;
  type: string;
  /** The physical id; '' for a resource that does not exist yet. */
  physicalId: string;
}

/** Plans a deployment without changing the stack. Throws TemplateError. */
export const planOf = (
  stack: Stack,
  wanted: { template: string; parameters?: Record<string, string>; order?: Order },
  exportValue: (name: string) => string | undefined,
  provider: (type: string) => Provider,
): Plan => {
  const template = parseTemplate(wanted.template);
  const parameters = parameterValues(template, wanted.parameters ?? {});
  const imports = new Set<string>();
  const scope = createStackScope(template, { ...stack, parameters, imports }, exportValue);
  const planned = orderResources(
    template.Resources,
    scope.condition,
    isKnownName(template),
    wanted.order ?? 'as-written',
  );
  for (const type of new Set(planned.map((plan) => plan.definition.Type))) provider(type);
  return { template, templateText: wanted.template, parameters, imports, planned, scope };
};

/**
 * Returns a function that tells whether a name is a parameter or pseudo parameter, because a template refers to these in the same way as to
 * resources.
 */
export const isKnownName =
  (template: Template) =>
  (name: string): boolean =>
    name in template.Parameters || PSEUDO_PARAMETERS.includes(name);

/** The changes that a plan makes to the resources of a stack. */
export const resourceChanges = (stack: Stack, plan: Plan): ResourceChange[] => {
  const wanted = new Set(plan.planned.map(({ logicalId }) => logicalId));
  const leaving = [...stack.resources.values()].filter(({ logicalId }) => !wanted.has(logicalId));
  return [
    ...plan.planned.flatMap((planned) => changeOf(stack, planned, plan.scope)),
    ...leaving.map(({ logicalId, type, physicalId }) => ({
      action: 'Remove' as const,
      logicalId,
      type,
      physicalId,
    })),
  ];
};

const changeOf = (
  stack: Stack,
  { logicalId, definition }: PlannedResource,
  scope: Scope,
): ResourceChange[] => {
  const old = stack.resources.get(logicalId);
  if (!old) return [{ action: 'Add', logicalId, type: definition.Type, physicalId: '' }];
  const isSame =
    definition.Type === old.type &&
    isDeepStrictEqual(definition.Metadata, old.definition.Metadata) &&
    isDeepStrictEqual(
      attempt(() => resolve(definition.Properties, scope)),
      old.properties,
    );
  return isSame ? [] : [{ action: 'Modify', logicalId, type: old.type, physicalId: old.physicalId }];
};

/** True if resources, outputs and tags would stay the same. CloudFormation then reports "No updates are to be performed". */
export const isWithoutChanges = (stack: Stack, plan: Plan, tags: Record<string, string>): boolean =>
  resourceChanges(stack, plan).length === 0 &&
  isDeepStrictEqual(tags, stack.tags) &&
  isDeepStrictEqual(
    attempt(() => resolveOutputs(plan.template, plan.scope)),
    { outputs: stack.outputs, exports: stack.exports },
  );

/** Returns the evaluated value. Returns null if the value refers to a resource that does not exist yet; null counts as a difference. */
const attempt = <Value>(evaluate: () => Value): Value | null => {
  try {
    return evaluate();
  } catch {
    return null;
  }
};
