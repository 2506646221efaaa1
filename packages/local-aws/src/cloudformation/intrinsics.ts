import { TemplateError } from './template.ts';

/** The values that intrinsic functions look up. */
export interface Scope {
  /** The value that `Ref` returns for a parameter, a pseudo parameter or a resource. */
  ref(name: string): unknown;
  getAtt(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
  findInMap(map: string, first: string, second: string): unknown;
  importValue(exportName: string): unknown;
}

/** Represents the value AWS::NoValue. A property with this value is removed. */
export const NO_VALUE: unique symbol = Symbol('AWS::NoValue');

/**
 * Evaluates every intrinsic function in a value.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 * @throws TemplateError for a function that is unknown or misused
 */
export const resolve = (value: unknown, scope: Scope): unknown => {
  if (Array.isArray(value)) {
    return value.map((item) => resolve(item, scope)).filter((item) => item !== NO_VALUE);
  }
  if (!isRecord(value)) return value;
  const call = intrinsicCall(value);
  if (call) return evaluate(call.name, call.argument, scope);
  const entries = Object.entries(value).map(([key, item]) => [key, resolve(item, scope)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
};

/** Evaluates an entry of the Conditions section, or a condition that is nested in such an entry. */
export const resolveCondition = (value: unknown, scope: Scope): boolean => {
  const call = isRecord(value) ? intrinsicCall(value) : null;
  const result = call && evaluate(call.name, call.argument, scope);
  if (typeof result !== 'boolean') throw new TemplateError(`${JSON.stringify(value)} is not a condition`);
  return result;
};

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns the intrinsic function that an object such as `{ Ref: 'Name' }` calls, with its argument. Returns null for an object that is not
 * such a call.
 */
export const intrinsicCall = (value: Record<string, unknown>): { name: string; argument: unknown } | null => {
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0) return null;
  const isCall =
    name === 'Ref' || name.startsWith('Fn::') || (name === 'Condition' && typeof value[name] === 'string');
  return isCall ? { name, argument: value[name] } : null;
};

const evaluate = (name: string, argument: unknown, scope: Scope): unknown => {
  const run = FUNCTIONS[name];
  if (!run) throw new TemplateError(`the function ${name} is not known to the local CloudFormation`);
  return run(argument, scope);
};

type IntrinsicFunction = (argument: unknown, scope: Scope) => unknown;

const FUNCTIONS: Record<string, IntrinsicFunction> = {
  Ref: (argument, scope) => scope.ref(text('Ref', argument)),
  Condition: (argument, scope) => scope.condition(text('Condition', argument)),
  'Fn::And': (argument, scope) =>
    list('Fn::And', argument, 2, 10).every((item) => resolveCondition(item, scope)),
  'Fn::Or': (argument, scope) =>
    list('Fn::Or', argument, 2, 10).some((item) => resolveCondition(item, scope)),
  'Fn::Not': (argument, scope) => !resolveCondition(list('Fn::Not', argument, 1)[0], scope),
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list('Fn::Equals', argument, 2).map((item) => JSON.stringify(resolve(item, scope)));
    return left === right;
  },
  'Fn::If': (argument, scope) => {
    const [condition, whenTrue, whenFalse] = list('Fn::If', argument, 3);
    return resolve(scope.condition(text('Fn::If', condition)) ? whenTrue : whenFalse, scope);
  },
  'Fn::GetAtt': (argument, scope) => {
    const parts = typeof argument === 'string' ? splitOnce(argument) : list('Fn::GetAtt', argument, 2);
    const [logicalId, attribute] = parts.map((part) => text('Fn::GetAtt', resolve(part, scope)));
    return scope.getAtt(logicalId ?? '', attribute ?? '');
  },
  'Fn::Join': (argument, scope) => {
    const [separator, items] = list('Fn::Join', argument, 2);
    const parts = list('Fn::Join', resolve(items, scope)).map((item) => text('Fn::Join', item));
    return parts.join(text('Fn::Join', separator));
  },
  'Fn::Split': (argument, scope) => {
    const [separator, source] = list('Fn::Split', argument, 2);
    return text('Fn::Split', resolve(source, scope)).split(text('Fn::Split', separator));
  },
  'Fn::Select': (argument, scope) => {
    const [index, items] = list('Fn::Select', argument, 2);
    const chosen = list('Fn::Select', resolve(items, scope))[Number(resolve(index, scope))];
    if (chosen === undefined) throw misuse('Fn::Select', argument);
    return chosen;
  },
  'Fn::FindInMap': (argument, scope) => {
    const [map, first, second] = list('Fn::FindInMap', argument, 3).map((item) =>
      text('Fn::FindInMap', resolve(item, scope)),
    );
    return scope.findInMap(map ?? '', first ?? '', second ?? '');
  },
  'Fn::ImportValue': (argument, scope) =>
    scope.importValue(text('Fn::ImportValue', resolve(argument, scope))),
  'Fn::Base64': (argument, scope) =>
    Buffer.from(text('Fn::Base64', resolve(argument, scope))).toString('base64'),
  'Fn::Sub': (argument, scope) => {
    if (typeof argument === 'string') return substitute(argument, {}, scope);
    const [template, variables] = list('Fn::Sub', argument, 2);
    const values = resolve(variables, scope);
    if (!isRecord(values)) throw misuse('Fn::Sub', argument);
    return substitute(text('Fn::Sub', template), values, scope);
  },
};

/** Replaces `${Name}` and `${Resource.Attribute}` with their values. `${!Name}` becomes the literal text `${Name}`. */
const substitute = (template: string, variables: Record<string, unknown>, scope: Scope): string =>
  template.replaceAll(/\$\{([^}]*)\}/g, (_whole, expression: string) => {
    if (expression.startsWith('!')) return `\${${expression.slice(1)}}`;
    const name = expression.trim();
    if (name in variables) return text('Fn::Sub', variables[name]);
    const [logicalId, attribute] = splitOnce(name);
    const value = attribute === undefined ? scope.ref(name) : scope.getAtt(logicalId ?? '', attribute);
    return text('Fn::Sub', value);
  });

/** The names that the text of a `Fn::Sub` refers to. */
export const substitutedNames = (template: string): string[] =>
  [...template.matchAll(/\$\{([^!}][^}]*)\}/g)].map((match) => splitOnce(match[1]?.trim() ?? '')[0] ?? '');

const splitOnce = (name: string): string[] => {
  const dot = name.indexOf('.');
  return dot < 0 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
};

const text = (name: string, value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw misuse(name, value);
};

const list = (name: string, value: unknown, shortest = 0, longest = shortest || Infinity): unknown[] => {
  if (Array.isArray(value) && value.length >= shortest && value.length <= longest) return value;
  throw misuse(name, value);
};

const misuse = (name: string, argument: unknown): TemplateError =>
  new TemplateError(`${name} cannot be used like this: ${JSON.stringify(argument)}`);
