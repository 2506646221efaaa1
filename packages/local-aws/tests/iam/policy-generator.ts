/** Generates random policies, callers and requests, to compare the local IAM with another evaluator. */
import fc from 'fast-check';
import type { ContextValue, PolicyDocument, PolicyStatement } from '../../src/core/access.ts';
import {
  ABROAD,
  GLOBAL_KEYS,
  HOME,
  ROLE_ARN,
  SESSION_ARN,
  TARGETS,
  text,
  type Target,
  type Type,
  VALUES,
} from './policy-values.ts';

/** A request, and all policies that apply to it. */
export interface Case {
  who: 'session' | 'root' | 's3' | 'anonymous';
  action: string;
  resource: string;
  resourceAccountId: string;
  secureTransport: boolean;
  /** The condition keys that the service adds, in lower case. */
  context: Record<string, ContextValue>;
  identity: PolicyDocument[];
  session: PolicyDocument | undefined;
  resourcePolicy: PolicyDocument | undefined;
}

const STRING = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringLike',
  'StringNotLike',
];
const RELATIONS = ['Equals', 'NotEquals', 'LessThan', 'LessThanEquals', 'GreaterThan', 'GreaterThanEquals'];
const OPERATORS: Record<Type, string[]> = {
  string: STRING,
  list: STRING,
  arn: ['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike', ...STRING],
  bool: ['Bool', 'StringEquals'],
  ip: ['IpAddress', 'NotIpAddress'],
  number: RELATIONS.map((relation) => `Numeric${relation}`),
  date: RELATIONS.map((relation) => `Date${relation}`),
};

const clause = (key: string): fc.Arbitrary<NonNullable<PolicyStatement['Condition']>> => {
  const { type, policy } = VALUES[key] ?? text([], ['x']);
  const quantifiers =
    type === 'list' ? ['ForAnyValue:', 'ForAllValues:'] : ['', '', '', 'ForAnyValue:', 'ForAllValues:'];
  const compared = fc
    .tuple(
      fc.constantFrom(...quantifiers),
      fc.constantFrom(...OPERATORS[type]),
      fc.constantFrom('', '', 'IfExists'),
      fc.oneof(
        fc.constantFrom(...policy),
        fc.uniqueArray(fc.constantFrom(...policy), { minLength: 1, maxLength: 2 }),
      ),
    )
    .map(([quantifier, operator, ifExists, wanted]) => ({
      [quantifier + operator + (quantifier === 'ForAnyValue:' ? '' : ifExists)]: { [key]: wanted },
    }));
  const isNull = fc.constantFrom('true', 'false').map((wanted) => ({ Null: { [key]: wanted } }));
  return fc.oneof({ weight: 5, arbitrary: compared }, { weight: type === 'list' ? 0 : 1, arbitrary: isNull });
};

const condition = (target: Target): fc.Arbitrary<PolicyStatement['Condition']> =>
  fc
    .array(fc.constantFrom(...GLOBAL_KEYS, ...target.keys, ...target.keys, ...target.keys).chain(clause), {
      maxLength: 2,
    })
    .map((clauses) => {
      const merged: NonNullable<PolicyStatement['Condition']> = {};
      for (const one of clauses)
        for (const [operator, keys] of Object.entries(one))
          merged[operator] = { ...merged[operator], ...keys };
      return Object.keys(merged).length === 0 ? undefined : merged;
    });

const PRINCIPALS: NonNullable<PolicyStatement['Principal']>[] = [
  '*',
  { AWS: '*' },
  { AWS: HOME },
  { AWS: `arn:aws:iam::${HOME}:root` },
  { AWS: ABROAD },
  { AWS: ROLE_ARN },
  { AWS: SESSION_ARN },
  { AWS: [`arn:aws:iam::${HOME}:role/other`, ROLE_ARN] },
  { AWS: `arn:aws:iam::${HOME}:role/other` },
  { Service: 's3.amazonaws.com' },
  { Service: ['sns.amazonaws.com', 's3.amazonaws.com'], AWS: ABROAD },
];

const resourcesOf = ({ resource }: Target): string[] => {
  const parts = resource.split(':');
  const last = parts.slice(5).join(':');
  const head = parts.slice(0, 5).join(':');
  return [
    resource,
    '*',
    `${head}:${last.slice(0, -2)}*`,
    `${head}:${last.slice(0, -1)}?`,
    `${head}:${last.slice(0, -6)}*${last.slice(-2)}`,
    `arn:aws:${parts[2]}:*`,
    `arn:aws:${parts[2]}:*:*:${last}`,
    `${head}:other`,
    `${head}:${last.toUpperCase()}`,
  ];
};

const actionsOf = (action: string): string[] => {
  const [service = '', name = ''] = action.split(':');
  return [
    action,
    action.toUpperCase(),
    `${service}:*`,
    '*',
    `${service}:${name.slice(0, 3)}*`,
    'iam:GetRole',
  ];
};

const oneOrTwo = (values: string[]): fc.Arbitrary<string | string[]> =>
  fc.oneof(
    fc.constantFrom(...values),
    fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }),
  );

const statement = (
  target: Target,
  action: string,
  kind: 'identity' | 'resource' | 'trust',
): fc.Arbitrary<PolicyStatement> =>
  fc
    .record({
      effect: fc.constantFrom('Allow' as const, 'Allow' as const, 'Allow' as const, 'Deny' as const),
      notAction: fc.integer({ min: 0, max: 7 }).map((draw) => draw === 0),
      actions: oneOrTwo(actionsOf(action)),
      notResource: fc.integer({ min: 0, max: 7 }).map((draw) => draw === 0),
      resources: oneOrTwo(resourcesOf(target)),
      principal: fc.constantFrom(...PRINCIPALS),
      condition: condition(target),
    })
    .map((drawn) => ({
      Effect: drawn.effect,
      ...(kind === 'identity' ? {} : { Principal: drawn.principal }),
      ...(drawn.notAction ? { NotAction: drawn.actions } : { Action: drawn.actions }),
      ...(kind === 'trust'
        ? {}
        : drawn.notResource
          ? { NotResource: drawn.resources }
          : { Resource: drawn.resources }),
      ...(drawn.condition && { Condition: drawn.condition }),
    }));

const document = (...drawn: Parameters<typeof statement>): fc.Arbitrary<PolicyDocument> =>
  fc
    .array(statement(...drawn), { minLength: 1, maxLength: 3 })
    .map((statements) => ({ Version: '2012-10-17', Statement: statements }));

const context = (target: Target): fc.Arbitrary<Record<string, ContextValue>> =>
  fc
    .tuple(
      ...['aws:RequestedRegion', 'aws:SourceIp', ...target.keys].map((key) =>
        fc
          .option(fc.constantFrom<ContextValue | null>(...(VALUES[key]?.request ?? [null])))
          .map((value) => [key.toLowerCase(), value] as const),
      ),
    )
    .map((entries) =>
      Object.fromEntries(entries.filter((entry): entry is [string, ContextValue] => entry[1] !== null)),
    );

/** Generates a case whose policies are likely to apply to its request. */
export const anyCase: fc.Arbitrary<Case> = fc
  .constantFrom(...TARGETS)
  .chain((target) => fc.constantFrom(...target.actions).map((action) => ({ target, action })))
  .chain(({ target, action }) => {
    const isTrust = action === 'sts:AssumeRole';
    return fc.record({
      who: isTrust
        ? fc.constantFrom('session' as const, 's3' as const)
        : fc.constantFrom(
            'session' as const,
            'session' as const,
            'session' as const,
            'root' as const,
            's3' as const,
            'anonymous' as const,
          ),
      action: fc.constant(action),
      resource: fc.constant(target.resource),
      resourceAccountId: fc.constantFrom(...target.owners),
      secureTransport: fc.boolean(),
      context: context(target),
      identity: fc.array(document(target, action, 'identity'), { maxLength: 2 }),
      session: fc.option(document(target, action, 'identity'), { nil: undefined, freq: 3 }),
      resourcePolicy: fc.option(document(target, action, isTrust ? 'trust' : 'resource'), {
        nil: undefined,
        freq: isTrust || action.startsWith('kms:') ? 1e9 : 5,
      }),
    });
  });
