import { NO_VALUE, resolve, resolveCondition, type Scope } from './intrinsics.ts';
import type { Stack } from './stack.ts';
import { TemplateError, type Template } from './template.ts';

export type ScopeStack = Pick<
  Stack,
  'accountId' | 'region' | 'stackName' | 'stackId' | 'parameters' | 'resources' | 'imports'
>;

/** Creates a scope for a stack. It finds parameters, pseudo parameters, and the resources that already exist. */
export const createStackScope = (
  template: Template,
  stack: ScopeStack,
  exportValue: (name: string) => string | undefined,
): Scope => {
  const conditions = new Map<string, boolean | 'evaluating'>();
  const scope: Scope = {
    ref: (name) => {
      const pseudo = pseudoParameters(stack);
      if (name in pseudo) return pseudo[name];
      return stack.parameters[name] ?? existing(stack, name).physicalId;
    },
    getAtt: (logicalId, attribute) => {
      const resource = existing(stack, logicalId);
      const value = resource.attributes[attribute];
      if (value === undefined) {
        throw new TemplateError(
          `${resource.type} ${logicalId} has no attribute ${attribute} in the local AWS`,
        );
      }
      return value;
    },
    condition: (name) => {
      const known = conditions.get(name);
      if (typeof known === 'boolean') return known;
      if (known === 'evaluating') throw new TemplateError(`Condition ${name} refers to itself`);
      if (!(name in template.Conditions)) throw new TemplateError(`Unresolved condition ${name}`);
      conditions.set(name, 'evaluating');
      const value = resolveCondition(template.Conditions[name], scope);
      conditions.set(name, value);
      return value;
    },
    findInMap: (map, first, second) => {
      const value = template.Mappings[map]?.[first]?.[second];
      if (value === undefined) {
        throw new TemplateError(`Unable to get mapping for ${map}::${first}::${second}`);
      }
      return value;
    },
    importValue: (name) => {
      const value = exportValue(name);
      if (value === undefined) throw new TemplateError(`No export named ${name} found.`);
      stack.imports.add(name);
      return value;
    },
  };
  return scope;
};

export const PSEUDO_PARAMETERS = [
  'AWS::AccountId',
  'AWS::NoValue',
  'AWS::NotificationARNs',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
];

const pseudoParameters = (stack: ScopeStack): Record<string, unknown> => ({
  'AWS::AccountId': stack.accountId,
  'AWS::NoValue': NO_VALUE,
  'AWS::NotificationARNs': [],
  'AWS::Partition': 'aws',
  'AWS::Region': stack.region,
  'AWS::StackId': stack.stackId,
  'AWS::StackName': stack.stackName,
  'AWS::URLSuffix': 'amazonaws.com',
});

const existing = (stack: ScopeStack, logicalId: string) => {
  const resource = stack.resources.get(logicalId);
  if (!resource) throw new TemplateError(`Unresolved reference ${logicalId}`);
  return resource;
};

/** Evaluates the Outputs section. Returns the values of all outputs, and the exported values by export name. */
export const resolveOutputs = (
  template: Template,
  scope: Scope,
): { outputs: Record<string, string>; exports: Record<string, string> } => {
  const outputs: Record<string, string> = {};
  const exports: Record<string, string> = {};
  for (const [name, output] of Object.entries(template.Outputs)) {
    if (output.Condition !== undefined && !scope.condition(output.Condition)) continue;
    const value = String(resolve(output.Value, scope));
    outputs[name] = value;
    if (output.Export) exports[String(resolve(output.Export.Name, scope))] = value;
  }
  return { outputs, exports };
};
