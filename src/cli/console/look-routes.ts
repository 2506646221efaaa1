/** Shows the deployment, an object, and the findings of doctor, as the commands `status`, `explain` and `doctor` do. */
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { DEAD_LETTER_REASONS } from '../../lib/dead-letters/reasons.ts';
import { reusedFor } from '../../lib/state/reused.ts';
import { withCliErrors } from '../aws-errors.ts';
import { configurationOf } from '../configuration.ts';
import { asAnotherCommand, deploymentOf } from '../deployment.ts';
import { DOCTOR, examine, publicReport } from '../doctor/doctor.ts';
import { EXPLAIN, explainObject } from '../explain/explain.ts';
import { DEPLOYMENT_STATUS, stateReaderOf } from '../status/status.ts';
import { parseOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { answeringIo } from './answering-io.ts';
import type { Doctor, Explanation, Session } from './api.ts';
import { askedOptions, queryFields } from './asked-options.ts';
import type { Deployed } from './deployed.ts';
import { reads, type Route } from './routes.ts';

/**
 * How long an answer of the queues and tables is reused, so that many open pages cause no more requests than one. The reader asks
 * CloudWatch once a minute.
 */
const STATE_MS = 4_500;

export const lookRoutes = (deployed: Deployed): Route[] => {
  const { argv, ports } = deployed;
  const io = answeringIo(deployed.io, {});
  const profiles = deployed.options
    .values('destination-profile')
    .map((each) => `--destination-profile=${each}`);
  let reader: ReturnType<typeof stateReaderOf> | null = null;
  const state = reusedFor(STATE_MS, io.now, () => {
    reader ??= stateReaderOf(parseOptions(DEPLOYMENT_STATUS, argv), io, ports.status);
    return withCliErrors(reader.read);
  });
  return [
    reads('/api/session', async () => ({ json: sessionOf(deployed) })),
    reads('/api/state', async () => ({ json: await state() })),
    reads('/api/explain', async ({ query }) => {
      const fields = queryFields(query);
      const allowed = ['version', 'rule', 'destination'];
      const argument = query.get('uri') ?? '';
      const options = askedOptions(EXPLAIN, { fields, allowed, deployment: argv, argument });
      const json: Explanation = await explainObject(options, io, ports.explain);
      return { json };
    }),
    reads('/api/doctor', async () => {
      const report = await withCliErrors(() => examine(parseOptions(DOCTOR, [...argv, ...profiles]), io));
      const json: Doctor = { ...publicReport(report), at: new Date(io.now()).toISOString() };
      return { json };
    }),
  ];
};

const sessionOf = ({ io, options }: Deployed): Session => {
  const deployment = deploymentOf(options, io);
  const { rules, problem } = rulesOf(options, io);
  return {
    stack: resourceNames(deployment).stack,
    region: deployment.region,
    suffix: asAnotherCommand(options, '').slice('npx s3-replicator '.length),
    rules,
    problem,
    reasons: [...DEAD_LETTER_REASONS.keys()],
  };
};

/** A mistake in replication.yml must not hide the dead letters. */
const rulesOf = (options: Deployed['options'], io: Deployed['io']): Pick<Session, 'problem' | 'rules'> => {
  try {
    const { rules } = configurationOf(options, io).replication;
    return {
      problem: null,
      rules: rules.map(({ id, source, destinations, deletes }) => ({
        id,
        bucket: source.bucket,
        prefix: source.prefix,
        deletes: deletes === 'replicate',
        destinations: destinations.map((each) => each.id),
      })),
    };
  } catch (error) {
    if (error instanceof CliError) return { rules: [], problem: { message: error.message } };
    throw error;
  }
};
