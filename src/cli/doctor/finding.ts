/** The result of a check, and the type of a table with all results that checks can have. */
import type { Fix } from './fix.ts';

export type Verdict = 'ok' | 'warning' | 'error' | 'not-checked';

export type Group = 'here' | 'stack' | 'sources' | 'destinations' | 'rules' | 'health' | 'canary';

export interface Finding {
  group: Group;
  /** The id of the cause; null for `ok` and `not-checked`. */
  cause: string | null;
  verdict: Verdict;
  /** The subject within the group: a bucket, or a rule and its destination. Empty if the finding concerns the whole group. */
  subject: string;
  text: string;
  fix: Fix | null;
}

/** One row of the table of causes. The documentation and the findings use the same words. */
export interface Cause {
  verdict: 'warning' | 'error';
  /** The request to AWS, or the place on this machine that is read. */
  asks: string;
  means: string;
  fix: string;
}

export type Causes = Readonly<Record<string, Cause>>;

interface Details {
  subject?: string;
  text: string;
  fix: Fix | null;
}

/** Makes the findings of one group. A cause that is not in the table of the group does not compile. */
export const findingsOf = <Id extends string>(group: Group, causes: Readonly<Record<Id, Cause>>) => ({
  ok: (text: string, subject = ''): Finding => ({
    group,
    cause: null,
    verdict: 'ok',
    subject,
    text,
    fix: null,
  }),
  found: (cause: Id, { subject = '', text, fix }: Details): Finding => ({
    group,
    cause,
    verdict: causes[cause].verdict,
    subject,
    text,
    fix,
  }),
  notChecked: (text: string, subject = ''): Finding => ({
    group,
    cause: null,
    verdict: 'not-checked',
    subject,
    text,
    fix: null,
  }),
});

/** What is said about each group that needs AWS, if AWS accepts no credentials. */
export const NO_CREDENTIALS = 'no credentials';

/** Returns why something was not checked. Returns null if AWS answered, even if the answer is that nothing exists. */
export const whyNotChecked = (
  what: string,
  asked:
    | { kind: 'answer' | 'missing' }
    | { kind: 'denied'; permission: string }
    | { kind: 'failed'; message: string },
): string | null => {
  if (asked.kind === 'denied') return `${what}: you may not ${asked.permission}`;
  if (asked.kind === 'failed') return `${what}: ${asked.message}`;
  return null;
};
