/** Lists, starts and changes runs, as the commands `backfill …` and `verify …` do. */
import { randomUUID } from 'node:crypto';
import { agrees, verdictOf } from '../../lib/runs/report/comparison-text.ts';
import { reportHtml } from '../../lib/runs/report/report-html.ts';
import { reportOf } from '../../lib/runs/report/run-report.ts';
import type { RunEstimate } from '../../lib/runs/run.ts';
import { resourceNames } from '../../lib/configuration/resource-names.ts';
import { withCliErrors } from '../aws-errors.ts';
import { configurationOf } from '../configuration.ts';
import { deploymentOf } from '../deployment.ts';
import { BACKFILL_START } from '../runs/backfill-start.ts';
import { CANCEL, changeRun, PAUSE, RESUME, type RunChange } from '../runs/run-control.ts';
import { estimateRuns } from '../runs/run-estimate.ts';
import { type StartCommand, startRequest } from '../runs/run-request.ts';
import { existingRun, folderOf, listRuns, RUNS, STATUS } from '../runs/run-show.ts';
import { beginRuns, DRY, mayStart, placesOf } from '../runs/run-start.ts';
import { publicRun } from '../runs/run-state.ts';
import { progressLines } from '../runs/run-progress-text.ts';
import { estimateLines, runTitle } from '../runs/run-text.ts';
import { VERIFY_START } from '../runs/verify-start.ts';
import type { CommandSpec, ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import { answeringIo } from './answering-io.ts';
import type { EstimatedRuns, RunList, ShownRun } from './api.ts';
import { askedOptions, queryFields } from './asked-options.ts';
import type { Deployed } from './deployed.ts';
import { type Answer, changes, reads, type Route } from './routes.ts';
import type { Fields } from './request-body.ts';

const LISTED = ['rule', 'destination', 'kind', 'phase', 'since', 'limit'];
const STARTED = ['rule', 'destination', 'prefix', 'since', 'versions', 'attributes', 'accept-left-out'];
const VERIFIED = [...STARTED, 'repair', 'delete-extra'];
const SPECS: Readonly<Record<RunChange, CommandSpec>> = { pause: PAUSE, resume: RESUME, cancel: CANCEL };

export const runRoutes = (deployed: Deployed): Route[] => {
  const { io, argv, ports } = deployed;
  const named = (spec: CommandSpec, id: string): ParsedOptions =>
    askedOptions(spec, { fields: {}, allowed: [], deployment: argv, argument: id });
  return [
    reads('/api/runs', async ({ query }) => {
      const options = askedOptions(RUNS, { fields: queryFields(query), allowed: LISTED, deployment: argv });
      const runs = await withCliErrors(() => listRuns(options, io, ports.runs));
      const json: RunList = runs.map((run) => ({ ...run, title: runTitle(run) }));
      return { json };
    }),
    reads('/api/runs/:id', async ({ id }) => ({ json: await shownRun(named(STATUS, id), deployed) })),
    reads('/api/runs/:id/report', async ({ id }) => await report(named(STATUS, id), deployed)),
    ...(['pause', 'resume', 'cancel'] as const).map((change) =>
      changes(`/api/runs/:id/${change}`, async ({ id }) => {
        const options = named(SPECS[change], id);
        const run = await withCliErrors(() => changeRun(change, options, { io, ports: ports.runs }));
        return { json: publicRun(run) };
      }),
    ),
    ...startRoutes(deployed),
  ];
};

const shownRun = async (options: ParsedOptions, { io, ports }: Deployed): Promise<ShownRun> => {
  const { store } = ports.runs.runs(deploymentOf(options, io));
  const run = await withCliErrors(() => existingRun(options.argument(), store, io));
  const { checked, phase, spec } = run;
  const isJudged = phase === 'finished' && checked !== null;
  return {
    ...run,
    title: runTitle(run),
    lines: run.progress === null ? [] : progressLines(run.progress, phase, io.now()),
    reportFolder: folderOf(run.id, options, io),
    verdict: isJudged ? verdictOf(checked) : null,
    agrees: isJudged ? agrees(spec, checked) : null,
  };
};

/** Makes the report from the tables, which keep the run for a year. The bucket of reports is not read. */
const report = async (options: ParsedOptions, { io, ports }: Deployed): Promise<Answer> => {
  const { deployment, replication, backfill } = configurationOf(options, io);
  const { store } = ports.runs.runs(deployment);
  const html = await withCliErrors(async () => {
    const run = await store.load(options.argument());
    if (run === null || run.endedMs === null || run.phase !== 'finished')
      throw new CliError('bad-request', 'Only a finished run has a report.');
    const setting = { stack: resourceNames(deployment).stack, configuration: replication, store };
    return reportHtml(
      await reportOf({ ...run, endedMs: run.endedMs }, { ...setting, files: backfill.report }),
    );
  });
  return { html, css: /<style>(.*?)<\/style>/s.exec(html)?.[1] ?? '' };
};

/** An estimate that the page has shown. The runs are started with exactly this estimate. */
interface Estimated {
  command: StartCommand;
  estimates: (RunEstimate | null)[];
  isDry: boolean;
}

/** How many estimates are kept. An operator usually looks at one at a time. */
const KEPT = 20;

const startRoutes = (deployed: Deployed): Route[] => {
  const { io, ports } = deployed;
  const tickets = new Map<string, Estimated>();
  return [
    changes('/api/runs/estimate', async ({ fields }) => {
      const command = { request: requestOf(fields, deployed), io, ports: ports.runs };
      const estimates = await withCliErrors(() => estimateRuns(command));
      const { specs, configuration } = command.request;
      if (estimates === null) throw new CliError('bad-request', 'There is no run.');
      const ticket = randomUUID();
      tickets.set(ticket, { command, estimates, isDry: fields['dry-run'] === true });
      for (const old of [...tickets.keys()].slice(0, -KEPT)) tickets.delete(old);
      const runs = specs.map((each, index) => {
        const estimate = estimates[index] ?? null;
        const title = runTitle({ spec: fields['dry-run'] === true ? DRY.instead(each) : each });
        const lines = estimate === null ? [] : estimateLines(estimate);
        return { title, ...placesOf(configuration, each), estimate, lines };
      });
      const json: EstimatedRuns = { ticket, runs };
      return { json };
    }),
    changes('/api/runs/start', async ({ fields }) => {
      const { ticket } = fields;
      const estimated = typeof ticket === 'string' ? tickets.get(ticket) : undefined;
      if (estimated === undefined || typeof ticket !== 'string')
        throw new CliError('bad-request', 'The estimate is of an earlier console. Estimate again.');
      const { command, estimates, isDry } = estimated;
      if (!isDry && !(await mayStart(command.request, answeringIo(io, fields))))
        throw new CliError('not-confirmed', 'nothing was started.');
      const runs = await withCliErrors(() => beginRuns(command, estimates, isDry ? DRY : undefined));
      tickets.delete(ticket);
      return { json: { runs } };
    }),
  ];
};

const requestOf = (fields: Fields, { argv, io }: Deployed): StartCommand['request'] => {
  const isVerify = fields['kind'] === 'verify';
  const spec = isVerify ? VERIFY_START : BACKFILL_START;
  const options = askedOptions(spec, { fields, allowed: isVerify ? VERIFIED : STARTED, deployment: argv });
  return startRequest(isVerify ? 'verify' : 'backfill', options, io);
};
