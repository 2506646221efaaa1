/** Tables, figures and closed sections of a report. */
import { html, type Html } from './html.ts';

export type Cell = string | Html;

/** A section that the reader opens. It needs no script. */
export const details = (title: string, content: Html): Html =>
  html`<details>
    <summary>${title}</summary>
    ${content}
  </details>`;

/** Large numbers side by side. Each has a name above and a note below. */
export const figures = (each: readonly (readonly [name: string, amount: string, note: string])[]): Html =>
  html`<dl class="figures">
    ${each.map(
      ([name, amount, note]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${amount}</dd>
          <dd class="quiet">${note}</dd>
        </div>`,
    )}
  </dl>`;

/** A table with a header row. `numbers` are the indexes of the columns that are aligned on the right. */
export const table = (
  name: string,
  heads: readonly string[],
  rows: readonly (readonly Cell[])[],
  numbers: readonly number[] = [],
): Html => {
  const classOf = (column: number): string => (numbers.includes(column) ? 'number' : 'text');
  return scrolling(
    name,
    html`<tr>
        ${heads.map((head, column) => html`<th scope="col" class="${classOf(column)}">${head}</th>`)}
      </tr>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map((cell, column) => html`<td class="${classOf(column)}">${cell}</td>`)}
          </tr>`,
      )}`,
  );
};

/** A table of two columns, without a header row: a name and its value. */
export const keyValues = (
  name: string,
  rows: readonly (readonly Cell[])[],
  { isNumber = false }: { isNumber?: boolean } = {},
): Html =>
  scrolling(
    name,
    html`${rows.map(
      ([head = '', value = '']) =>
        html`<tr>
          <th scope="row">${head}</th>
          <td class="${isNumber ? 'number' : 'text'}">${value}</td>
        </tr>`,
    )}`,
  );

/**
 * Makes a table that a narrow screen scrolls by itself, instead of the whole page. It can have the focus, so that the keyboard
 * can scroll it.
 */
const scrolling = (name: string, rows: Html): Html =>
  html`<div class="scrolling" tabindex="0" role="region" aria-label="${name}">
    <table>
      ${rows}
    </table>
  </div>`;
