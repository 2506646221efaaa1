/** One thing that somebody does wrong to a healthy deployment. */
import type { Stage } from '../stages/stage.ts';

export interface Mutant {
  name: string;
  /** The causes of which doctor must name one, each of which is the true one. */
  causes: string[];
  /** What it changes. Two mutants of one place cannot be made at the same time. */
  place: string;
  /** Whether the fix is a change of replication.yml or of a policy by hand, which no command makes. */
  isEdited?: boolean;
  /** Makes the change. Resolves to what puts everything back. */
  apply(stage: Stage): Promise<() => Promise<unknown>>;
}

/** The condition of a statement that matches nobody. AWS refuses a policy without statements. */
export const NOBODY = { StringEquals: { 'aws:PrincipalAccount': '000000000000' } };

interface Document {
  Statement: unknown;
}

/** Returns the policy without one of its statements. */
export const withoutStatement = <D extends Document>(document: D, index: number): D => {
  const statements = [document.Statement].flat();
  const rest = statements.toSpliced(index, 1);
  const only = { ...Object(statements[index]), Condition: NOBODY };
  return { ...document, Statement: rest.length === 0 ? [only] : rest };
};

export const statementNames = (document: Document): string[] =>
  [document.Statement]
    .flat()
    .map((statement, index) => String(Object(statement).Sid ?? Object(statement).Action ?? index));
