/** Finds runs that cannot succeed, because the S3 service of their destination lacks an ability that they need. */
import { refuseUnfit } from '../delivery/circuits.ts';
import { asReplicationError } from '../model/errors.ts';
import { circuitName } from '../model/rule.ts';
import { QUESTIONS } from '../model/service-answers.ts';
import { scopeOf } from './compare/scope.ts';
import type { RunDeps } from './ports.ts';
import type { RunSpec } from './run.ts';

/**
 * Resolves to the reason why the run must not begin; null: it may. The answers are those that `doctor` or the start of a run by a command
 * has kept, because the functions ask no service themselves. Without sufficient answers each hint of a run that writes would become a
 * dead letter. A run that only reads needs whole listings.
 */
export const unfitFor = async (
  spec: RunSpec,
  { configuration, circuits }: Pick<RunDeps, 'circuits' | 'configuration'>,
): Promise<string | null> => {
  const where = scopeOf(configuration, spec);
  const { destination } = where;
  if (destination.service === null) return null;
  const record = await circuits.load();
  const pages = record.services.get(circuitName(destination))?.answers.pages;
  if (spec.kind === 'verify' && !spec.repair)
    return pages === 'no'
      ? `the service of ${destination.bucket} does not do this: ${QUESTIONS.pages}`
      : null;
  try {
    refuseUnfit(where, record);
    return null;
  } catch (error) {
    return `${asReplicationError(error).message}: run \`s3-replicator doctor\`, which asks it and says what helps`;
  }
};

/** Resolves to the reasons why some of the runs must not begin. */
export const unfitRuns = async (
  specs: readonly RunSpec[],
  deps: Parameters<typeof unfitFor>[1],
): Promise<string[]> => {
  const reasons = await Promise.all(specs.map((spec) => unfitFor(spec, deps)));
  return reasons.filter((reason) => reason !== null);
};
