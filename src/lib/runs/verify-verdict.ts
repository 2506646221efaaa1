/** Records the verdict of a run about a destination that has a schedule. */
import type { ReplicationRule } from '../model/rule.ts';
import type { RunDeps } from './ports.ts';
import { agrees, verdictOf } from './report/comparison-text.ts';
import type { Run, RunSpec } from './run.ts';
import { verifyName, type VerifyVerdict } from './verify-record.ts';

/** Returns whether the run covers all keys of the rule. */
export const isWholeRun = ({ prefix, since }: RunSpec, rule: ReplicationRule | undefined): boolean =>
  rule !== undefined && since === null && rule.source.prefix.startsWith(prefix);

/**
 * Records the verdict of a run that has ended. Changes nothing if a later run has ended meanwhile, or if the run has no verdict.
 * May be called again for the same run.
 */
export const noteVerdict = async (
  run: Run,
  { configuration, verifies }: Pick<RunDeps, 'configuration' | 'verifies'>,
): Promise<void> => {
  const rule = configuration.rules.find(({ id }) => id === run.spec.rule);
  if (!isWholeRun(run.spec, rule) || rule?.verify === null) return;
  const verdict = verdictOfRun(run);
  if (verdict === null) return;
  const name = verifyName(run.spec);
  for (;;) {
    const record = (await verifies.all()).get(name);
    if (record === undefined || (record.verdict?.atMs ?? 0) >= verdict.atMs) return;
    if (await verifies.put(name, { ...record, verdict }, record)) return;
  }
};

/** Returns the verdict of a run. Returns null if a person cancelled the run, or if its failure says nothing about a schedule. */
const verdictOfRun = ({ id, phase, spec, checked, endedMs, failure }: Run): VerifyVerdict | null => {
  const about = { run: id, atMs: endedMs ?? 0 };
  if (phase === 'finished' && checked !== null)
    return { ...about, agrees: agrees(spec, checked), detail: verdictOf(checked) };
  if (failure === null || spec.scheduled === undefined) return null;
  return { ...about, agrees: false, detail: `${phase}: ${failure.reason}, ${failure.detail}` };
};
