/**
 * Formats a report as `report.html`. The file shows the report in any browser. It contains no scripts and loads no other files.
 */
import { byteText, countOf, countText, dollarText } from '../../text/amounts.ts';
import { duration } from '../../text/duration.ts';
import { ALL_REASONS, reasonEntry } from '../../model/reasons.ts';
import { findingsIn, verdictOf } from './comparison-text.ts';
import { html, type Html } from './html.ts';
import { usedIn } from './run-report.ts';
import type { RunReport } from './report-data.ts';
import type { CopiedKey, CopyCounters, RunEstimate } from '../run.ts';
import { throughputPlots } from './throughput-plot.ts';

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
          <h1>${titleOf(report)}</h1>
          ${verdict(report)} ${scope(report)} ${totals(report)} ${copied(report.copied)} ${costs(report)}
          ${files(report)}
        </main>
      </body>
    </html> `.html
  }`;

const titleOf = ({ spec, run }: RunReport): string =>
  `${spec.isDryRun ? 'Dry run of a backfill' : spec.kind === 'backfill' ? 'Backfill' : 'Verify'} of ${spec.rule} to ${spec.destination}: run ${run}`;

const verdict = (report: RunReport): Html => {
  const { checked, agrees, proven } = report;
  const word = agrees ? (proven ? 'Agrees' : 'Agrees, but not all of it is proven') : 'Differs';
  return html`<p class="${agrees ? 'good' : 'bad'}"><strong>${word}.</strong> ${verdictOf(checked)}</p>
    <p>This was found by listing both buckets at the end, not taken from the counters of the workers.</p>`;
};

const scope = (report: RunReport): Html => {
  const { spec, source, destination, stack, phases } = report;
  const rows: [string, string][] = [
    ['Stack', stack],
    ['Source', `s3://${source.bucket}/${source.prefix}`],
    ['Destination', `s3://${destination.bucket}/${destination.prefix} (${destination.region})`],
    ['Compared', spec.versions === 'all' ? 'all versions' : 'current objects'],
    ...(spec.since === null ? [] : [['Only written since', spec.since] satisfies [string, string]]),
    ['Began', timeText(report.createdMs)],
    ['Ended', timeText(report.endedMs)],
    ...phases.map(({ work, beganMs, endedMs }): [string, string] => [
      PHASES[work],
      duration((endedMs - beganMs) / 1_000),
    ]),
  ];
  return html`<h2>Run</h2>
    <table>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </table>`;
};

const PHASES = { comparing: 'First look', copying: 'Copying', checking: 'Last look' } as const;

const timeText = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');

const totals = ({ compared, checked }: RunReport): Html => {
  const looks = [...(compared === null ? [] : [compared]), checked];
  const heads = looks.length === 2 ? ['First look', 'Last look'] : ['Keys'];
  const row = (name: string, texts: string[]): Html =>
    html`<tr>
      <th scope="row">${name}</th>
      ${texts.map((text) => html`<td class="number">${text}</td>`)}
    </tr>`;
  return html`<h2>Totals</h2>
    <table>
      <tr>
        <th></th>
        ${heads.map((head) => html`<th scope="col" class="number">${head}</th>`)}
      </tr>
      ${row(
        'keys of the source',
        looks.map(({ keys }) => countText(keys)),
      )}
      ${findingsIn(looks).map(([name, words]) =>
        row(
          words,
          looks.map((look) => countText(look[name])),
        ),
      )}
      ${row(
        'entries listed at the source',
        looks.map(({ versions }) => countText(versions)),
      )}
      ${row(
        'their bytes',
        looks.map(({ bytes }) => byteText(bytes)),
      )}
    </table>`;
};

const copied = (counters: CopyCounters | null): Html => {
  if (counters === null) return html``;
  const { copies, bytes, outcomes, failed, dropped, minutes, largest, slowest } = counters;
  const plots = throughputPlots(minutes);
  return html`<h2>Copied</h2>
    <p>${countOf(copies, 'version')}, ${byteText(bytes)}, as counted by the workers.</p>
    <table>
      ${Object.entries(outcomes).map(
        ([outcome, count]) =>
          html`<tr>
            <th scope="row">${outcome}</th>
            <td class="number">${countText(count)}</td>
          </tr>`,
      )}
      <tr>
        <th scope="row">failed</th>
        <td class="number">${countText(failed)}</td>
      </tr>
      ${
        dropped > 0
          ? html`<tr>
              <th scope="row">dropped while paused, and found again</th>
              <td class="number">${countText(dropped)}</td>
            </tr>`
          : html``
      }
    </table>
    <h2>Throughput</h2>
    ${plots ?? html`<p>Nothing was copied.</p>`} ${failures(counters)}
    ${keyTable('The ten largest objects', largest)} ${keyTable('The ten slowest objects', slowest)}`;
};

const failures = ({ reasons }: CopyCounters): Html => {
  const counts = ALL_REASONS.flatMap((reason) => {
    const count = reasons[reason] ?? 0;
    return count > 0 ? [{ reason, count }] : [];
  }).toSorted((one, other) => other.count - one.count);
  if (counts.length === 0) return html``;
  return html`<h2>Failures by reason</h2>
    <table>
      <tr>
        <th scope="col">Reason</th>
        <th scope="col" class="number">Keys</th>
        <th scope="col">What to do</th>
      </tr>
      ${counts.map(
        ({ reason, count }) =>
          html`<tr>
            <td><code>${reason}</code></td>
            <td class="number">${countText(count)}</td>
            <td>${reasonEntry(reason).fix}</td>
          </tr>`,
      )}
    </table>
    <p>They are in the dead-letter queue: <code>npx s3-replicator dlq list</code> shows each.</p>`;
};

const keyTable = (title: string, keys: readonly CopiedKey[]): Html =>
  keys.length === 0
    ? html``
    : html`<h2>${title}</h2>
        <table>
          <tr>
            <th scope="col" class="number">Size</th>
            <th scope="col" class="number">Took</th>
            <th scope="col">Key</th>
          </tr>
          ${keys.map(
            ({ key, bytes, durationMs }) =>
              html`<tr>
                <td class="number">${byteText(bytes)}</td>
                <td class="number">${(durationMs / 1_000).toFixed(1)} s</td>
                <td class="key"><bdi>${key}</bdi></td>
              </tr>`,
          )}
        </table>`;

const costs = (report: RunReport): Html => {
  const { estimate } = report;
  const used = usedIn(report);
  const row = (name: string, textOf: (each: RunEstimate) => string): Html =>
    html`<tr>
      <th scope="row">${name}</th>
      ${estimate === null ? html`` : html`<td class="number">${textOf(estimate)}</td>`}
      <td class="number">${textOf(used)}</td>
    </tr>`;
  return html`<h2>${estimate === null ? 'What it used' : 'Estimate and what it used'}</h2>
    <table>
      <tr>
        <th></th>
        ${estimate === null ? html`` : html`<th scope="col" class="number">${estimateHead(estimate)}</th>`}
        <th scope="col" class="number">Used</th>
      </tr>
      ${row('keys', ({ keys }) => countText(keys))} ${row('bytes', ({ bytes }) => byteText(bytes))}
      ${row('time', ({ hours }) => duration(hours * 3_600))}
      ${Object.keys(used.requests).map((kind) => row(`requests: ${kind}`, ({ requests }) => countText(requests[kind] ?? 0)))}
      ${Object.keys(used.dollars).map((service) => row(`US$: ${service}`, ({ dollars }) => dollarText(dollars[service] ?? 0)))}
      ${row('US$ in all', ({ dollars }) => dollarText(Object.values(dollars).reduce((sum, each) => sum + each, 0)))}
    </table>
    <p>
      Calculated from counters at the prices of us-east-1, not taken from a bill. Storage is not included.
    </p>`;
};

const estimateHead = ({ basis, errorShare }: RunEstimate): string => {
  if (basis === 'listing') return 'Estimate';
  return errorShare === null ? 'Estimate (sample)' : `Estimate (sample, ±${Math.ceil(errorShare * 100)} %)`;
};

const files = ({ files: named, filesLeftOut }: RunReport): Html => {
  if (named.length === 0) return html``;
  return html`<h2>What differs</h2>
    <p>One line for each key, as CSV:</p>
    <ul>
      ${named.map(({ bucket, key, rows }) => html`<li><code>s3://${bucket}/${key}</code> (${countOf(rows, 'key')})</li>`)}
    </ul>
    ${filesLeftOut > 0 ? html`<p>and ${countOf(filesLeftOut, 'file')} more under the same prefix.</p>` : html``}`;
};

const STYLE: Html = {
  html: `
      :root { color-scheme: light dark; --text: #1b1f24; --quiet: #57606a; --page: #fff; --line: #d0d7de; --good: #1a7f37; --bad: #b3261e; --area: #0969da; }
      @media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9da7b1; --page: #0d1117; --line: #30363d; --good: #3fb950; --bad: #ff7b72; --area: #58a6ff; } }
      body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
      main { max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
      h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
      table { border-collapse: collapse; } th, td { padding: .3rem .8rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
      th { color: var(--quiet); font-weight: 500; } .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
      .key, code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; } .key { white-space: pre-wrap; }
      .good, .bad { padding: .8rem 1rem; border-left: 4px solid var(--good); } .bad { border-color: var(--bad); }
      .good strong { color: var(--good); } .bad strong { color: var(--bad); }
      figure { margin: 1rem 0; } svg { width: 100%; height: auto; } svg text { fill: var(--quiet); font-size: 12px; }
      .area { fill: var(--area); opacity: .6; } .axis { fill: none; stroke: var(--line); }
    `,
};
