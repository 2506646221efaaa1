import { invalidParameterValue, missingParameter } from './sqs-errors.ts';

/** The parsed JSON of a request. Its members are not checked yet. */
export type Input = Record<string, unknown>;

export function isRecord(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function optionalText(input: Input, name: string): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw invalidParameterValue(`${name} must be a string.`);
}

export function text(input: Input, name: string): string {
  const value = optionalText(input, name);
  if (value === undefined || value === '') throw missingParameter(name);
  return value;
}

/**
 * Returns the value of a member; `undefined` if absent. Throws an error unless it is a whole number within the
 * bounds.
 */
export function optionalInteger(
  input: Input,
  name: string,
  minimum: number,
  maximum: number,
): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum)
    return value;
  const reason = `Must be between ${minimum} and ${maximum}, if provided.`;
  throw invalidParameterValue(
    `Value ${JSON.stringify(value)} for parameter ${name} is invalid. Reason: ${reason}`,
  );
}

export function textList(input: Input, name: string): string[] {
  const value = input[name] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw invalidParameterValue(`${name} must be a list of strings.`);
}

export function recordList(input: Input, name: string): Input[] {
  const value = input[name] ?? [];
  if (Array.isArray(value) && value.every(isRecord)) return value;
  throw invalidParameterValue(`${name} must be a list of structures.`);
}

export function optionalRecord(input: Input, name: string): Input {
  const value = input[name] ?? {};
  if (isRecord(value)) return value;
  throw invalidParameterValue(`${name} must be a structure.`);
}
