import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
import type { ConfigurationProblem } from '../../src/lib/configuration/problem.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import type { DeploymentOptions } from '../../src/lib/configuration/configuration.ts';

export const ROLE = 'arn:aws:iam::222222222222:role/replica';

type Options = Record<string, unknown>;

/** Returns a destination. `more` adds options or replaces them. */
export const destination = (bucket: string, more: Options = {}): Options => ({
  bucket,
  region: 'us-east-1',
  roleArn: ROLE,
  externalId: 'shared-id',
  ...more,
});

export const rule = (id: string, source: Options, destinations: Options[], more: Options = {}): Options => ({
  id,
  source,
  destinations,
  ...more,
});

/** Returns the text of a configuration file with these rules. It is JSON, because JSON is valid YAML. */
export const file = (rules: Options[], top: Options = {}): string => JSON.stringify({ ...top, rules });

/**
 * Returns the text of a configuration file with one valid rule. `more` adds the options that a test is about.
 */
export const fileWith = (more: {
  source?: Options;
  destination?: Options;
  rule?: Options;
  top?: Options;
}): string =>
  file(
    [
      rule(
        'only',
        { bucket: 'source-bucket', ...more.source },
        [destination('replica-bucket', more.destination)],
        more.rule,
      ),
    ],
    more.top,
  );

/** Returns the problems of a configuration file, none if the file is valid. */
export function problemsOf(text: string, options: DeploymentOptions = {}): ConfigurationProblem[] {
  try {
    parseConfiguration(text, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

/** Returns each problem of a configuration file in the form `path: found → fix`. */
export const summaries = (text: string, options: DeploymentOptions = {}): string[] =>
  problemsOf(text, options).map(({ path, found, fix }) => `${path}: ${found} → ${fix}`);
