import { AwsError } from '../front/aws-error.ts';

/** Returns the error of a parameter that does not satisfy a constraint. `value` is null if the parameter is missing. */
export function invalid(value: string | null, name: string, constraint: string): AwsError {
  const shown = value === null ? 'null' : `'${value}'`;
  const message = `1 validation error detected: Value ${shown} at '${name}' failed to satisfy constraint: ${constraint}`;
  return new AwsError('ValidationError', message);
}
