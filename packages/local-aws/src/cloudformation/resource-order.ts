import { intrinsicCall, isRecord, substitutedNames } from './intrinsics.ts';
import { TemplateError, type TemplateResource } from './template.ts';

/** A resource of the template whose condition is true, with the logical ids of the resources that must be created before it. */
export interface PlannedResource {
  logicalId: string;
  definition: TemplateResource;
  dependencies: string[];
}

/**
 * The order in which resources that do not depend on each other are created. CloudFormation guarantees no order, so a template that works
 * in only one of these two orders lacks a DependsOn.
 */
export type Order = 'as-written' | 'reversed';

/**
 * Sorts the resources so that each comes after the resources that it refers to. Omits resources whose condition is false.
 * @throws TemplateError for a cycle or a reference to a missing resource
 */
export const orderResources = (
  resources: Record<string, TemplateResource>,
  condition: (name: string) => boolean,
  knownNames: (name: string) => boolean,
  order: Order,
): PlannedResource[] => {
  const wanted = Object.entries(resources).filter(
    ([, definition]) => definition.Condition === undefined || condition(definition.Condition),
  );
  const planned = new Map(
    wanted.map(([logicalId, definition]) => {
      const references = new Set([
        ...definition.DependsOn,
        ...referencesIn(definition.Properties, condition),
      ]);
      return [logicalId, { logicalId, definition, dependencies: [...references] }];
    }),
  );
  for (const resource of planned.values()) {
    checkReferences(resource, resources, planned, knownNames);
    resource.dependencies = resource.dependencies.filter((name) => planned.has(name));
  }
  return sorted(planned, order);
};

const checkReferences = (
  resource: PlannedResource,
  resources: Record<string, TemplateResource>,
  planned: Map<string, PlannedResource>,
  knownNames: (name: string) => boolean,
): void => {
  // As in AWS, DependsOn may name a resource whose condition is false.
  const isFine = (name: string): boolean =>
    planned.has(name) ||
    knownNames(name) ||
    (name in resources && resource.definition.DependsOn.includes(name));
  const missing = resource.dependencies.filter((name) => !isFine(name));
  if (missing.length > 0) {
    throw new TemplateError(
      `Template format error: Unresolved resource dependencies [${missing.join(', ')}] in the Resources block of the template (${resource.logicalId})`,
    );
  }
};

/** Returns the names that a value refers to. Ignores the branches of `Fn::If` that the conditions do not select. */
const referencesIn = (value: unknown, condition: (name: string) => boolean): string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => referencesIn(item, condition));
  if (!isRecord(value)) return [];
  const call = intrinsicCall(value);
  const { name, argument } = call ?? {};
  if (name === 'Ref' && typeof argument === 'string') return [argument];
  if (name === 'Fn::GetAtt')
    return [String(Array.isArray(argument) ? argument[0] : argument).split('.')[0] ?? ''];
  if (name === 'Fn::Sub') return referencesInSub(argument, condition);
  if (name === 'Fn::If' && Array.isArray(argument)) {
    return referencesIn(condition(String(argument[0])) ? argument[1] : argument[2], condition);
  }
  return Object.values(value).flatMap((item) => referencesIn(item, condition));
};

const referencesInSub = (argument: unknown, condition: (name: string) => boolean): string[] => {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const own = isRecord(variables) ? Object.keys(variables) : [];
  const names = substitutedNames(String(template)).filter((name) => !own.includes(name));
  return [...names, ...referencesIn(variables, condition)];
};

const sorted = (planned: Map<string, PlannedResource>, order: Order): PlannedResource[] => {
  const inOrder = <Item>(items: Item[]): Item[] => (order === 'reversed' ? items.toReversed() : items);
  const done = new Map<string, PlannedResource>();
  const visit = (resource: PlannedResource, path: string[]): void => {
    if (done.has(resource.logicalId)) return;
    const circle = path.indexOf(resource.logicalId);
    if (circle >= 0) {
      throw new TemplateError(`Circular dependency between resources: [${path.slice(circle).join(', ')}]`);
    }
    for (const name of inOrder(resource.dependencies)) {
      const dependency = planned.get(name);
      if (dependency) visit(dependency, [...path, resource.logicalId]);
    }
    done.set(resource.logicalId, resource);
  };
  for (const resource of inOrder([...planned.values()])) visit(resource, []);
  return [...done.values()];
};
