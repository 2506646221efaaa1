/** The answers of the server to the page. Most have the shape that a command prints with `--json`. */
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { LetterSummary } from '../../lib/dead-letters/summary.ts';
import type { RunEstimate } from '../../lib/runs/run.ts';
import type { PublicReport } from '../doctor/doctor.ts';
import type { Explained } from '../explain/explain.ts';
import type { ListedRun, RunState } from '../runs/run-text.ts';

/** Why a request was not carried out. */
export interface Problem {
  /** The kind of the problem, as the command prints it before the message. */
  title?: string;
  message: string;
  /** The next step, in one sentence. */
  fix?: string;
  /** The question that the operator has to answer first. */
  question?: string;
}

/** The values that do not change while the console runs. */
export interface Session {
  stack: string;
  region: string;
  /** The options to add to a command so that it concerns the same deployment, like ` --stage test`; empty if none are needed. */
  suffix: string;
  rules: { id: string; destinations: string[]; bucket: string; prefix: string; deletes: boolean }[];
  /** The reason why the rules are not known; null if they are known. */
  problem: Problem | null;
  reasons: string[];
}

export interface Letters extends LetterSummary {
  queue: string;
  region: string;
  complete: boolean;
  /** Some of the letters, newest first. */
  some: DeadMessage[];
  /** The answer of the command in one line. */
  said: string;
}

/** The result of an action: the text that the command prints, and its notes. */
export interface Acted {
  said: string;
  notes: string[];
}

export interface ShownRun extends RunState {
  title: string;
  /** The lines that the command prints about the progress; empty if the run is over. */
  lines: string[];
  reportFolder: string | null;
  verdict: string | null;
  /** Whether both sides agree; null: not known yet. */
  agrees: boolean | null;
}

export type RunList = (ListedRun & { title: string })[];

export interface EstimatedRuns {
  /** The token with which a request to start the runs names this estimate. */
  ticket: string;
  /** `lines` is the text that the command prints about the estimate. */
  runs: { title: string; from: string; to: string; estimate: RunEstimate | null; lines: string[] }[];
}

export type Explanation = Explained;

export interface Doctor extends PublicReport {
  /** When doctor was run, ISO 8601. */
  at: string;
}
