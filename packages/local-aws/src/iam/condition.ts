import { refuseUnknownKey, type Quantifier } from './condition-keys.ts';
import { comparisons, negations } from './condition-operators.ts';
import type { RequestContext } from './request-context.ts';
import type { PolicyKind } from '../core/access.ts';
import { MalformedPolicy, UnsupportedPolicy } from './policy-errors.ts';

/** A parsed `Condition` element. It is true if all its clauses are true. */
export type Condition = Clause[];

interface Clause {
  key: string;
  expected: string[];
  test: Test;
}

/** Tests a clause. `actual` are the values of the key in the request; the list is empty for an absent key. */
type Test = (actual: readonly string[], expected: string[]) => boolean;

/**
 * Parses a `Condition` element. Throws {@link MalformedPolicy} if AWS rejects it, and {@link UnsupportedPolicy} if the local IAM cannot
 * evaluate it as AWS does.
 */
export function parseCondition(
  condition: Record<string, Record<string, unknown>> | undefined,
  kind: PolicyKind,
): Condition {
  return Object.entries(condition ?? {}).flatMap(([operator, keys]) => {
    const { quantifier, test } = testOf(operator);
    return Object.entries(keys).map(([name, expected]) => {
      const key = name.toLowerCase();
      refuseUnknownKey(key, kind, quantifier);
      return { key, expected: stringsOf(expected), test };
    });
  });
}

export function conditionHolds(condition: Condition, context: RequestContext): boolean {
  return condition.every((clause) => clause.test(context(clause.key), clause.expected));
}

/**
 * Returns the test of an operator. For an absent key, a clause is true if the operator is negated, ends in IfExists or begins with
 * ForAllValues. An operator that begins with ForAnyValue is false for an absent key, even if it is negated, unless it ends in IfExists.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
function testOf(operator: string): { quantifier: Quantifier; test: Test } {
  const [, set, name = '', ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const quantifier = set === 'ForAnyValue' || set === 'ForAllValues' ? set : null;
  if (name === 'Null') return { quantifier, test: isNull };
  const negated = negations[name];
  const compare = comparisons[negated ?? name];
  if (name === 'BinaryEquals') throw new UnsupportedPolicy('BinaryEquals is not known to the local AWS');
  if (!compare) throw new MalformedPolicy(`Invalid Condition type : ${operator}`);
  const matches = (value: string, expected: string[]): boolean =>
    expected.some((wanted) => compare(value, wanted)) === (negated === undefined);
  const whenAbsent =
    ifExists !== undefined || quantifier === 'ForAllValues' || (negated !== undefined && quantifier === null);
  return {
    quantifier,
    test: (actual, expected) => {
      if (actual.length === 0) return whenAbsent;
      if (quantifier === 'ForAllValues') return actual.every((value) => matches(value, expected));
      return actual.some((value) => matches(value, expected));
    },
  };
}

const isNull: Test = (actual, expected) =>
  expected.some((wanted) => wanted.toLowerCase() === String(actual.length === 0));

function stringsOf(value: unknown): string[] {
  const strings = (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
      return String(item);
    throw new MalformedPolicy(
      `Condition value ${JSON.stringify(item)} is neither a string, a number nor a boolean`,
    );
  });
  const variable = strings.find((text) => text.includes('${'));
  if (variable) throw new UnsupportedPolicy(`policy variable in ${variable} is not supported`);
  return strings;
}
