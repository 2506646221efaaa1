import { ConfigurationError } from '../../src/lib/configuration/problem.ts';
import type { ConfigurationProblem } from '../../src/lib/configuration/problem.ts';
import { parseConfiguration } from '../../src/lib/configuration/configuration.ts';
import type { DeploymentOptions } from '../../src/lib/configuration/configuration.ts';

export const ROLE = 'arn:aws:iam::222222222222:role/replica';

type Options = Record<string, unknown>;

/** A destination; `more` adds or overrides options. */
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

/** A file with these rules. JSON is YAML. */
export const file = (rules: Options[], top: Options = {}): string => JSON.stringify({ ...top, rules });

/** A file with one good rule to which a test adds what it is about. */
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

/** The problems of a file; none if it is good. */
export function problemsOf(text: string, options: DeploymentOptions = {}): ConfigurationProblem[] {
  try {
    parseConfiguration(text, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

/** `path: found → fix` for each problem. */
export const summaries = (text: string, options: DeploymentOptions = {}): string[] =>
  problemsOf(text, options).map(({ path, found, fix }) => `${path}: ${found} → ${fix}`);
