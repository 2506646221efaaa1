/** The part of a report that requires action: the failures by reason, and the keys that differ. */
import { byteText, countOf, countText } from '../../text/amounts.ts';
import { shellWord } from '../../text/shell.ts';
import { ALL_REASONS, reasonEntry } from '../../model/reasons.ts';
import { table } from './html-parts.ts';
import { html, type Html } from './html.ts';
import type { ListedSide, ReportRow, RunReport } from './report-data.ts';

/** Formats the failures by reason. `stack` is null if the deployment cannot be reached by a command line. */
export const failures = ({ copied, spec, stack }: Pick<RunReport, 'copied' | 'spec' | 'stack'>): Html => {
  if (copied === null) return html``;
  const { reasons, examples } = copied;
  const counts = ALL_REASONS.flatMap((reason) => {
    const count = reasons[reason] ?? 0;
    return count > 0 ? [{ reason, count }] : [];
  }).toSorted((one, other) => other.count - one.count);
  if (counts.length === 0) return html``;
  return html`<h2>Failures by reason</h2>
    ${counts.map(
      ({ reason, count }) =>
        html`<section class="problem">
          <h3><code>${reason}</code> <span class="quiet">${countOf(count, 'key')}</span></h3>
          ${examples[reason] === undefined ? html`` : html`<p>Example: <bdi class="key">${examples[reason]}</bdi></p>`}
          <p>${reasonEntry(reason).fix}</p>
          ${stack === null ? html`` : html`<pre>${listCommand(reason, spec)}</pre>`}
        </section>`,
    )}`;
};

const listCommand = (reason: string, { rule, destination }: RunReport['spec']): string =>
  `npx s3-replicator dlq list --reason ${reason} --rule ${shellWord(rule)} --destination ${shellWord(destination)}`;

export const differences = ({ differences: rows, files, filesLeftOut }: RunReport): Html => {
  if (rows.length === 0) return html``;
  const all = files.reduce((sum, file) => sum + file.rows, 0);
  const isAll = filesLeftOut === 0 && all === rows.length;
  const text = isAll
    ? countOf(all, 'key')
    : `${countText(rows.length)} of ${filesLeftOut > 0 ? 'more than ' : ''}${countOf(all, 'key')}. The files at the end have all of them.`;
  return html`<h2>Keys that differ</h2>
    <p class="quiet">${text}</p>
    ${table('Keys that differ', ['Key', 'Difference', 'Source', 'Replica'], rows.map(cellsOf), [2, 3])}`;
};

const cellsOf = ({ key, difference, source, replica, reason }: ReportRow) => [
  html`<bdi class="key">${key}</bdi>`,
  reason === null ? difference : `${difference} (not checked: ${reason})`,
  sideText(source),
  sideText(replica),
];

const sideText = (side: ListedSide | null): string => (side === null ? '–' : byteText(side.sizeBytes));
