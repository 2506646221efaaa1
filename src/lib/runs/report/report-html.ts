/**
 * Formats a report as `report.html`. The file shows the report in any browser. It contains no scripts and loads no other files. A reader
 * sees the result first, and then the necessary actions. The tables follow in closed sections.
 */
import { byteText, countOf, countText, dollarText, sumOf } from '../../text/amounts.ts';
import { duration } from '../../text/duration.ts';
import { findingsIn, verdictOf } from './comparison-text.ts';
import { details, figures, keyValues, table, type Cell } from './html-parts.ts';
import { html, type Html } from './html.ts';
import { differences, failures } from './problems-html.ts';
import type { RunReport } from './report-data.ts';
import { STYLE } from './report-style.ts';
import { usedIn } from './run-report.ts';
import type { CopiedKey, RunEstimate } from '../run.ts';
import { shareBar } from './share-bar.ts';
import { timePlots } from './time-plots.ts';

export const reportHtml = (report: RunReport): string =>
  `<!doctype html>\n${
    html`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <title>${titleOf(report)}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <main>
          ${heading(report)} ${verdict(report)} ${keyFigures(report)}
          ${report.copied === null ? html`` : timePlots(report.copied.minutes)} ${failures(report)}
          ${differences(report)} ${estimateBar(report)} ${run(report)} ${counts(report)} ${copies(report)}
          ${costs(report)} ${files(report)}
        </main>
      </body>
    </html> `.html
  }`;

const kindOf = ({ spec, stack }: RunReport): string => {
  if (stack === null) return spec.isDryRun ? 'Dry run of a copy' : 'Copy';
  return spec.isDryRun ? 'Dry run of a backfill' : spec.kind === 'backfill' ? 'Backfill' : 'Verify';
};

const nameOf = (report: RunReport): string => {
  const { stack, source, destination, spec } = report;
  const [from, to] = stack === null ? [source.bucket, destination.bucket] : [spec.rule, spec.destination];
  return `${kindOf(report)} of ${from} to ${to}`;
};

const titleOf = (report: RunReport): string => `${nameOf(report)}: run ${report.run}`;

const heading = (report: RunReport): Html => {
  const { source, destination, endedMs } = report;
  const place = destination.region === '' ? html`` : html` (${destination.region})`;
  return html`<h1>${nameOf(report)}</h1>
    <p class="quiet">
      s3://${source.bucket}/${source.prefix} → s3://${destination.bucket}/${destination.prefix}${place}, ended
      ${timeText(endedMs)}
    </p>`;
};

const verdict = ({ checked, agrees, proven }: RunReport): Html => {
  const word = agrees ? (proven ? 'Agrees' : 'Agrees, but not all of it is proven') : 'Differs';
  return html`<div class="verdict ${agrees ? 'good' : 'bad'}" role="status">
    <p><strong>${word}.</strong> ${verdictOf(checked)}</p>
    <p class="quiet">
      This was found by listing both buckets at the end, not taken from the counters of the workers.
    </p>
  </div>`;
};

/** If nothing was copied, the figures are those of the last listing. */
const keyFigures = (report: RunReport): Html => {
  const { stack, copied, checked, createdMs, endedMs } = report;
  const dollars = dollarText(sumOf(usedIn(report).dollars));
  return figures([
    copied === null
      ? ['Compared', byteText(checked.bytes), countOf(checked.versions, 'version')]
      : ['Copied', byteText(copied.bytes), countOf(copied.copies, 'version')],
    ['Failed', countText(copied?.failed ?? 0), copied === null ? 'nothing was copied' : 'keys'],
    ['Duration', duration((endedMs - createdMs) / 1_000), `from ${timeText(createdMs)}`],
    ...(stack === null ? [] : [['Cost', dollars, 'calculated, without storage'] as const]),
  ]);
};

const estimateBar = (report: RunReport): Html => {
  const { estimate } = report;
  if (estimate === null) return html``;
  const used = usedIn(report);
  return html`<h2>Estimate and what it used</h2>
    ${shareBar('Cost', [sumOf(estimate.dollars), sumOf(used.dollars)], dollarText)}
    <p class="quiet">
      Time: ${duration(used.hours * 3_600)} used, ${duration(estimate.hours * 3_600)} estimated. Bytes:
      ${byteText(used.bytes)} used, ${byteText(estimate.bytes)} estimated.
    </p>`;
};

const run = (report: RunReport): Html => {
  const { spec, stack, phases } = report;
  return details(
    'The run',
    keyValues('The run', [
      ['Run', report.run],
      ...(stack === null ? [] : [['Stack', stack] satisfies Cell[]]),
      ['Compared', spec.versions === 'all' ? 'all versions' : 'current objects'],
      ...(spec.since === null ? [] : [['Only written since', spec.since] satisfies Cell[]]),
      ['Began', timeText(report.createdMs)],
      ['Ended', timeText(report.endedMs)],
      ...phases.map(({ work, beganMs, endedMs }) => [PHASES[work], duration((endedMs - beganMs) / 1_000)]),
    ]),
  );
};

const PHASES = { comparing: 'First look', copying: 'Copying', checking: 'Last look' } as const;

const timeText = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

const counts = ({ compared, checked }: RunReport): Html => {
  const looks = [...(compared === null ? [] : [compared]), checked];
  const heads = looks.length === 2 ? ['First look', 'Last look'] : ['Keys'];
  const rows = [
    ['keys of the source', ...looks.map(({ keys }) => countText(keys))],
    ...findingsIn(looks).map(([name, words]) => [words, ...looks.map((look) => countText(look[name]))]),
    ['entries listed at the source', ...looks.map(({ versions }) => countText(versions))],
    ['their bytes', ...looks.map(({ bytes }) => byteText(bytes))],
  ];
  return details('What was compared', table('What was compared', ['Count', ...heads], rows, [1, 2]));
};

const copies = ({ copied }: RunReport): Html => {
  if (copied === null) return html``;
  const { outcomes, failed, dropped, largest, slowest } = copied;
  const rows = [
    ...Object.entries(outcomes).map(([outcome, count]) => [outcome, countText(count)]),
    ['failed', countText(failed)],
    ...(dropped > 0 ? [['dropped while paused, and found again', countText(dropped)]] : []),
  ];
  return html`${details('What was copied, as counted by the workers', keyValues('What was copied', rows, { isNumber: true }))}
  ${keyTable('The ten largest objects', largest)} ${keyTable('The ten slowest objects', slowest)}`;
};

const keyTable = (title: string, keys: readonly CopiedKey[]): Html => {
  if (keys.length === 0) return html``;
  const rows = keys.map(({ key, bytes, durationMs }) => [
    byteText(bytes),
    `${(durationMs / 1_000).toFixed(1)} s`,
    html`<bdi class="key">${key}</bdi>`,
  ]);
  return details(title, table(title, ['Size', 'Took', 'Key'], rows, [0, 1]));
};

const costs = (report: RunReport): Html => {
  const { estimate, stack } = report;
  if (stack === null) return html``;
  const used = usedIn(report);
  const row = (name: string, textOf: (each: RunEstimate) => string): Cell[] => [
    name,
    ...(estimate === null ? [] : [textOf(estimate)]),
    textOf(used),
  ];
  const rows = [
    row('keys', ({ keys }) => countText(keys)),
    row('bytes', ({ bytes }) => byteText(bytes)),
    row('time', ({ hours }) => duration(hours * 3_600)),
    ...Object.keys(used.requests).map((kind) =>
      row(`requests: ${kind}`, ({ requests }) => countText(requests[kind] ?? 0)),
    ),
    ...Object.keys(used.dollars).map((service) =>
      row(`US$: ${service}`, ({ dollars }) => dollarText(dollars[service] ?? 0)),
    ),
    row('US$ in all', ({ dollars }) => dollarText(sumOf(dollars))),
  ];
  const heads = ['Amount', ...(estimate === null ? [] : [estimateHead(estimate)]), 'Used'];
  return details(
    'Requests and cost',
    html`${table('Requests and cost', heads, rows, [1, 2])}
      <p>
        Calculated from counters at the prices of us-east-1, not taken from a bill. Storage is not included.
      </p>`,
  );
};

const estimateHead = ({ basis, errorShare }: RunEstimate): string => {
  if (basis === 'listing') return 'Estimate';
  return errorShare === null ? 'Estimate (sample)' : `Estimate (sample, ±${Math.ceil(errorShare * 100)} %)`;
};

const files = ({ files: named, filesLeftOut }: RunReport): Html => {
  if (named.length === 0) return html``;
  return details(
    'Files with everything that differs',
    html`<p>One line for each key, as CSV:</p>
      <ul>
        ${named.map(({ bucket, key, rows }) => html`<li><code>${bucket === '' ? key : `s3://${bucket}/${key}`}</code> (${countOf(rows, 'key')})</li>`)}
      </ul>
      ${filesLeftOut > 0 ? html`<p>and ${countOf(filesLeftOut, 'file')} more under the same prefix.</p>` : html``}`,
  );
};
