import { codeFrame } from './code-frame.ts';

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
  /** The column in the line, from 1; null: the problem has no line. */
  column: number | null;
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

  /** If the text of the file is given, the message shows its lines. */
  constructor(file: string, problems: ConfigurationProblem[], text: string | null = null) {
    super(describeProblems(file, problems, text));
    this.file = file;
    this.problems = problems;
  }
}

const describeProblems = (file: string, problems: ConfigurationProblem[], text: string | null): string => {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return [`${file} has ${count}:`, ...problems.map((each) => describeProblem(file, each, text))].join('\n\n');
};

/** Describes warnings in the form of problems. Returns an empty text if there are none. */
export const describeWarnings = (file: string, warnings: readonly ConfigurationProblem[]): string =>
  warnings.length === 0
    ? ''
    : [
        warnings.length === 1 ? 'One warning:' : `${warnings.length} warnings:`,
        ...warnings.map((each) => describeProblem(file, each, null)),
      ].join('\n\n') + '\n';

/** Describes a problem or a warning in a few lines. If the text of the file is given, also shows the line in question. */
const describeProblem = (
  file: string,
  { path, line, column, found, fix }: ConfigurationProblem,
  text: string | null,
): string => {
  const place = line === null ? file : `${file}:${line}`;
  const frame = text === null || line === null || column === null ? [] : codeFrame(text, { line, column });
  return [
    `  ${place}  ${path}`.trimEnd(),
    ...frame.map((each) => `    ${each}`),
    `    found: ${found}`,
    `    fix:   ${fix}`,
  ].join('\n');
};
