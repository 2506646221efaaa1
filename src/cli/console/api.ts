/** The answers of the server, which the page shows. Most are the shapes that the commands print with `--json`. */
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { LetterSummary } from '../../lib/dead-letters/summary.ts';
import type { RunEstimate, RunSpec } from '../../lib/runs/run.ts';
import type { DeploymentState } from '../../lib/state/deployment-state.ts';
import type { LettersChecked } from '../dead-letters/dlq-check.ts';
import type { DiscardResult } from '../dead-letters/dlq-discard.ts';
import type { RedriveResult } from '../dead-letters/redrive-result.ts';
import type { PublicReport } from '../doctor/doctor.ts';
import type { Explained } from '../explain/explain.ts';
import type { ListedRun, RunState } from '../runs/run-text.ts';

/** Why a request was not carried out. */
export interface Problem {
  code?: string;
  message: string;
  /** The next step, in one sentence. */
  fix?: string;
  /** What the operator has to answer first. */
  question?: string;
}

/** What does not change while the console runs. */
export interface Session {
  stack: string;
  region: string;
  version: string;
  /** What follows a command so that it concerns the same deployment, like ` --stage test`; empty: nothing. */
  suffix: string;
  rules: { id: string; destinations: string[]; bucket: string; prefix: string; deletes: boolean }[];
  /** Why the rules are not known; null: they are. */
  problem: string | null;
  reasons: string[];
}

export type State = DeploymentState;

export interface Letters extends LetterSummary {
  queue: string;
  region: string;
  complete: boolean;
  /** Some of the letters, newest first. */
  some: DeadMessage[];
}

export type Checked = LettersChecked;

export type Redriven = RedriveResult & { notes: string[] };

export type Discarded = DiscardResult & { notes: string[] };

export interface ShownRun extends RunState {
  title: string;
  /** The commands that continue in a terminal. */
  reportFolder: string | null;
  verdict: string | null;
  /** Whether both sides agree; null: not known yet. */
  agrees: boolean | null;
}

export type RunList = (ListedRun & { title: string })[];

export interface EstimatedRuns {
  /** Names this estimate when the runs are started. */
  ticket: string;
  runs: { title: string; from: string; to: string; estimate: RunEstimate | null }[];
  spec: RunSpec;
}

export interface Started {
  runs: string[];
}

export type Explanation = Explained;

export interface Doctor extends PublicReport {
  /** When doctor was run, ISO 8601. */
  at: string;
}
