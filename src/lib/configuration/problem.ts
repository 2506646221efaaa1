/** Keys and list positions that lead to a value in the file. */
export type Path = readonly (string | number)[];

/** A problem whose line is not known yet. */
export interface Finding {
  path: Path;
  found: string;
  fix: string;
}

/** One problem of `replication.yml`. */
export interface ConfigurationProblem {
  /** The path of the value in the file, like `rules[0].destinations[1].roleArn`; empty: the problem concerns the whole file. */
  path: string;
  /** The line in the file, from 1; null: the problem has no line. */
  line: number | null;
  /** A description of the present value. */
  found: string;
  /** Advice on how to fix the problem. */
  fix: string;
}

/** All problems of the configuration together. The message is written for the person who edits the file. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly file: string;
  readonly problems: ConfigurationProblem[];

  constructor(file: string, problems: ConfigurationProblem[]) {
    super(describeProblems(file, problems));
    this.file = file;
    this.problems = problems;
  }
}

function describeProblems(file: string, problems: ConfigurationProblem[]): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return [`${file} has ${count}:`, ...problems.map((problem) => describeProblem(file, problem))].join('\n\n');
}

function describeProblem(file: string, { path, line, found, fix }: ConfigurationProblem): string {
  const place = line === null ? file : `${file}:${line}`;
  return [`  ${place}  ${path}`.trimEnd(), `    found: ${found}`, `    fix:   ${fix}`].join('\n');
}
