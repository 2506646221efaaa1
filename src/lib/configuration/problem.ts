/** Keys and list positions that lead to a place in the file. */
export type Path = readonly (string | number)[];

/** A problem whose line is not known yet. */
export interface Finding {
  path: Path;
  found: string;
  fix: string;
}

/** One thing wrong with `replication.yml`. */
export interface ConfigurationProblem {
  /** The place in the file, like `rules[0].destinations[1].roleArn`; empty for the file as a whole. */
  path: string;
  /** Line in the file, from 1; null: the problem has no line. */
  line: number | null;
  /** What is there now. */
  found: string;
  /** What to do about it. */
  fix: string;
}

/** All problems of the configuration together. The message is for the person who edits the file. */
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
