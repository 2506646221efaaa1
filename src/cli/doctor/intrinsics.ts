/** Calculates the intrinsic functions of a template. Only those that our own templates use are supported. */
import { isRecord } from '../../lib/model/json.ts';

export interface Scope {
  /** Returns the value of a parameter, a pseudo parameter or a resource. Lists of values are lists. */
  reference(name: string): unknown;
  attribute(logicalId: string, name: string): string;
  /** The section `Conditions` of the template. */
  conditions: Readonly<Record<string, unknown>>;
}

/** The value of `AWS::NoValue`. A property with this value is left out. */
export const NO_VALUE = Symbol('AWS::NoValue');

/** Returns a function that calculates all values in a part of the template. */
export const filler = (scope: Scope): ((value: unknown) => unknown) => {
  const fill = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(fill).filter((one) => one !== NO_VALUE);
    if (!isRecord(value)) return value;
    const [name = '', ...others] = Object.keys(value);
    const calculate = others.length === 0 ? FUNCTIONS[name] : undefined;
    if (calculate !== undefined) return calculate(value[name], { scope, fill });
    const entries = Object.entries(value).map(([key, one]) => [key, fill(one)] as const);
    return Object.fromEntries(entries.filter(([, one]) => one !== NO_VALUE));
  };
  return fill;
};

interface Setting {
  scope: Scope;
  fill(value: unknown): unknown;
}

type Calculate = (input: unknown, setting: Setting) => unknown;

const FUNCTIONS: Readonly<Record<string, Calculate | undefined>> = {
  Ref: (name, { scope }) => scope.reference(String(name)),
  'Fn::GetAtt': (path, { scope }) => {
    const [logicalId = '', name = ''] = listOf(path).map(String);
    return scope.attribute(logicalId, name);
  },
  'Fn::Sub': (input, setting) => {
    const [text, variables] = listOf(input);
    return substitute(String(text), isRecord(variables) ? variables : {}, setting);
  },
  'Fn::Join': (input, { fill }) => {
    const [delimiter, values] = listOf(input);
    return listOf(fill(values)).map(String).join(String(delimiter));
  },
  'Fn::Split': (input, { fill }) => {
    const [delimiter, text] = listOf(input);
    return String(fill(text)).split(String(delimiter));
  },
  'Fn::Select': (input, { fill }) => {
    const [index, values] = listOf(input);
    return listOf(fill(values))[Number(index)];
  },
  'Fn::If': (input, setting) => {
    const [condition, then, otherwise] = listOf(input);
    return setting.fill(holds({ Condition: condition }, setting) ? then : otherwise);
  },
};

const listOf = (value: unknown): unknown[] => [value].flat();

const substitute = (text: string, variables: Record<string, unknown>, { scope, fill }: Setting): string =>
  text.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (Object.hasOwn(variables, name)) return String(fill(variables[name]));
    const dot = name.indexOf('.');
    return dot < 0 ? String(scope.reference(name)) : scope.attribute(name.slice(0, dot), name.slice(dot + 1));
  });

const holds = (condition: unknown, setting: Setting): boolean => {
  const [[name, input] = ['', null]] = Object.entries(isRecord(condition) ? condition : {});
  const all = listOf(input);
  switch (name) {
    case 'Condition':
      return holds(setting.scope.conditions[String(input)], setting);
    case 'Fn::Equals':
      return new Set(all.map((one) => String(setting.fill(one)))).size === 1;
    case 'Fn::Not':
      return !holds(all[0], setting);
    case 'Fn::Or':
      return all.some((one) => holds(one, setting));
    case 'Fn::And':
      return all.every((one) => holds(one, setting));
    default:
      return false;
  }
};
