/** Converts the fields of a request to options of a command, so that the description of the command checks both. */
import { type CommandSpec, parseOptions, type ParsedOptions } from '../terminal/command.ts';
import type { Fields } from './request-body.ts';

interface Given {
  fields: Fields;
  /** The options that a request may give. All other fields are ignored. */
  allowed: readonly string[];
  /** The options by which the console itself was started. */
  deployment: readonly string[];
  argument?: string;
}

/** Throws CliError if the command would refuse a value. */
export const askedOptions = (spec: CommandSpec, given: Given): ParsedOptions => {
  const { fields, allowed, deployment, argument } = given;
  const argv = allowed.flatMap((name) => {
    const field = fields[name];
    if (field === undefined) return [];
    if (field === true) return [`--${name}`];
    // With the equals sign, a value that begins with a dash is not taken for an option.
    return [field].flat().map((value) => `--${name}=${value}`);
  });
  return parseOptions(spec, [...deployment, ...argv, ...(argument === undefined ? [] : ['--', argument])]);
};

/** Returns the fields of the query of an address. */
export const queryFields = (query: URLSearchParams): Fields =>
  Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name).filter(Boolean)]));
