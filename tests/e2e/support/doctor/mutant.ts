/** One mistake that somebody makes in a healthy deployment. */
import type { Stage } from '../stages/stage.ts';

export interface Mutant {
  name: string;
  /** The true causes of the problem. Doctor must name at least one of them. */
  causes: string[];
  /** The causes that the owner of a destination sees instead, if another mutant keeps the functions from reaching the destination. */
  seenByOwner?: string[];
  /** The causes that doctor must not name, because they blame somebody else. */
  wrong?: string[];
  /** The place that the mutant changes. Two mutants of the same place cannot be made at the same time. */
  place: string;
  /** Whether the fix is a manual change of replication.yml or of a policy, which no command makes. */
  isEdited?: boolean;
  /** Makes the change. Resolves to a function that undoes it. */
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
