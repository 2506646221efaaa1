/** Compares policies as AWS returns them, statement by statement, without evaluating them. */
import { isRecord, parsedJson } from '../../lib/model/json.ts';

export interface PolicyDifference {
  /** Wanted statements, or actions of a statement, that are missing. */
  missing: string[];
  /** Statements that exist but are not wanted. */
  extra: string[];
}

/** Compares a policy with the wanted policy. The order of statements and lists does not matter. */
export const comparePolicies = (wanted: unknown, actual: unknown): PolicyDifference => {
  const [wantedOnes, actualOnes] = [statementsOf(wanted), statementsOf(actual)];
  const actualTexts = new Set(actualOnes.map(canonical));
  const wantedTexts = new Set(wantedOnes.map(canonical));
  const missing = wantedOnes.filter((one) => !actualTexts.has(canonical(one)));
  const extra = actualOnes.filter((one) => !wantedTexts.has(canonical(one)));
  const changed = new Set(missing.map(sidOf).filter((sid) => extra.some((one) => sidOf(one) === sid)));
  return {
    missing: missing.map((one) => (changed.has(sidOf(one)) ? changeText(one, extra) : nameOf(one))),
    extra: extra.filter((one) => !changed.has(sidOf(one))).map(nameOf),
  };
};

export const statementsOf = (document: unknown): Record<string, unknown>[] => {
  const parsed = typeof document === 'string' ? parsedJson(document) : document;
  if (!isRecord(parsed)) return [];
  return [parsed['Statement']].flat().filter(isRecord);
};

/** Returns the values of an element that may be one value or a list. */
export const listOf = (value: unknown): string[] =>
  value === undefined || value === null ? [] : [value].flat().map(String);

const sidOf = ({ Sid: sid }: Record<string, unknown>): string => String(sid ?? '');

const nameOf = (statement: Record<string, unknown>): string => {
  const sid = sidOf(statement);
  const actions = listOf(statement['Action']);
  const more = actions.length > 1 ? ` and ${actions.length - 1} more` : '';
  return `${sid === '' ? '' : `${sid} `}(${String(statement['Effect'])} ${actions[0] ?? ''}${more})`;
};

const changeText = (wanted: Record<string, unknown>, extra: Record<string, unknown>[]): string => {
  const actual = extra.find((one) => sidOf(one) === sidOf(wanted));
  const gone = listOf(wanted['Action']).filter((action) => !listOf(actual?.['Action']).includes(action));
  const what = gone.length > 0 ? gone.join(', ') : 'its condition or resource was changed';
  return `${sidOf(wanted) === '' ? '' : `${sidOf(wanted)}: `}${what}`;
};

/** Returns a text that is the same for equal values. A list of one value equals the value itself. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) {
    const texts = value.map(canonical).toSorted();
    return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`;
  }
  if (!isRecord(value)) return JSON.stringify(String(value));
  const entries = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`);
  return `{${entries.toSorted().join(',')}}`;
};
