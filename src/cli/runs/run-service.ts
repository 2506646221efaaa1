/** Asks other S3 services again which features they have, when a run begins that writes to them. */
import { scopeOf } from '../../lib/runs/compare/scope.ts';
import type { RunSpec } from '../../lib/runs/run.ts';
import { refuseUnfit } from '../unfit-service.ts';
import type { StartCommand } from './run-request.ts';

/**
 * Lets the inspect function ask the services and keep the answers for the functions that replicate. Throws CliError if a service lacks
 * what its rule needs. If a service cannot be asked, the run begins anyway. In that case the functions write nothing unless they have
 * earlier answers.
 */
export const askServices = async (
  { request, io, ports }: StartCommand,
  specs: readonly RunSpec[],
): Promise<void> => {
  const { deployment, replication } = request.configuration;
  const others = specs
    .filter(({ kind, repair }) => kind === 'backfill' || repair)
    .map((spec) => scopeOf(replication, spec))
    .filter(({ destination }) => destination.service !== null);
  if (others.length === 0) return;
  const asked = await ports.probe(deployment, [...new Set(others.map(({ rule }) => rule.id))]);
  for (const where of others) {
    const { rule, destination } = where;
    const place =
      asked.kind === 'answer'
        ? asked.value.find((each) => each.rule === rule.id && each.destination === destination.id)
        : undefined;
    const service = place?.service ?? null;
    if (service !== null) refuseUnfit(service, where);
    else
      io.stderr.write(
        `note: the service of ${destination.bucket} could not be asked what it does${whyIn(asked)}. \`s3-replicator doctor\` says more.\n`,
      );
  }
};

const whyIn = (asked: Awaited<ReturnType<StartCommand['ports']['probe']>>): string => {
  if (asked.kind === 'denied') return ` (you may not ${asked.permission})`;
  return asked.kind === 'failed' ? ` (${asked.message})` : '';
};
