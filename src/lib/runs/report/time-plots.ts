/** Throughput and failures over time as SVG images that need no script. */
import { byteText, countText } from '../../text/amounts.ts';
import { duration } from '../../text/duration.ts';
import { html, type Html } from './html.ts';
import type { CopyCounters } from '../run.ts';

type Minutes = CopyCounters['minutes'];

const PLOT_WIDTH = 720;
const PLOT_HEIGHT = 180;
const TOP = 12;
const BOTTOM = 28;
/** Maximum number of columns. With this number a column is about two pixels wide. */
const MOST_COLUMNS = 300;

/** Returns an image of objects and, if there were any, one of bytes and one of failures. Empty if nothing was counted. */
export const timePlots = (minutes: Minutes): Html => {
  const columns = plotColumns(minutes);
  if (columns === null) return html`<p class="quiet">Nothing was copied.</p>`;
  const plotIf = (name: 'bytes' | 'failed', what: Plot): Html =>
    minutes.some((minute) => minute[name] > 0) ? plot(columns, what) : html``;
  return html`<h2>Over time</h2>
    ${plot(columns, {
      title: 'Objects per second',
      amountOf: ({ done }) => done,
      text: (rate) => `${rateText(rate)}/s`,
    })}
    ${plotIf('bytes', {
      title: 'Bytes per second',
      amountOf: ({ bytes }) => bytes,
      text: (rate) => `${byteText(rate)}/s`,
    })}
    ${plotIf('failed', {
      title: 'Failures per minute',
      amountOf: ({ failed }) => failed,
      text: (rate) => `${rateText(rate * 60)}/min`,
      kind: 'area failed',
    })}`;
};

interface Columns {
  firstMs: number;
  minutes: number;
  minutesEach: number;
  /** The columns from the first minute to the last, including minutes in which nothing was counted. */
  columns: { done: number; bytes: number; failed: number }[];
}

const MINUTE_MS = 60_000;

const plotColumns = (minutes: Minutes): Columns | null => {
  const first = minutes.at(0)?.minuteMs;
  const last = minutes.at(-1)?.minuteMs;
  if (first === undefined || last === undefined) return null;
  const whole = Math.round((last - first) / MINUTE_MS) + 1;
  const minutesEach = Math.ceil(whole / MOST_COLUMNS);
  const columns = Array.from({ length: Math.ceil(whole / minutesEach) }, () => ({
    done: 0,
    bytes: 0,
    failed: 0,
  }));
  for (const { minuteMs, done, bytes, failed } of minutes) {
    const column = columns[Math.floor(Math.round((minuteMs - first) / MINUTE_MS) / minutesEach)];
    if (column === undefined) continue;
    column.done += done;
    column.bytes += bytes;
    column.failed += failed;
  }
  return { firstMs: first, minutes: whole, minutesEach, columns };
};

interface Plot {
  title: string;
  amountOf: (column: Columns['columns'][number]) => number;
  text: (perSecond: number) => string;
  /** The CSS class of the area. */
  kind?: string;
}

const plot = (
  { firstMs, minutes, minutesEach, columns }: Columns,
  { title, amountOf, text, kind = 'area' }: Plot,
): Html => {
  const rates = columns.map((column) => amountOf(column) / (minutesEach * 60));
  const most = Math.max(...rates);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const step = PLOT_WIDTH / rates.length;
  const height = PLOT_HEIGHT - TOP - BOTTOM;
  const y = (rate: number): number => round(TOP + height - (most === 0 ? 0 : (rate / most) * height));
  const line = rates.map((rate, index) => `V${y(rate)}H${round((index + 1) * step)}`).join('');
  const bottom = TOP + height;
  const spoken = `${title}: ${text(mean)} on average, ${text(most)} at most, over ${duration(minutes * 60)}`;
  return html`<figure>
    <figcaption>${title} <span class="quiet">at most ${text(most)}</span></figcaption>
    <svg viewBox="0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}" role="img" aria-label="${spoken}">
      <title>${spoken}</title>
      <path class="${kind}" d="M0 ${bottom}${line}V${bottom}Z" />
      <path class="axis" d="M0 ${TOP}V${bottom}H${PLOT_WIDTH}" />
      <text x="0" y="${PLOT_HEIGHT - 8}">${clockText(firstMs)}</text>
      <text x="${PLOT_WIDTH}" y="${PLOT_HEIGHT - 8}" text-anchor="end">
        ${clockText(firstMs + minutes * MINUTE_MS)}
      </text>
    </svg>
  </figure>`;
};

/** Returns the day and the time in UTC, like `11-22 10:00 UTC`. */
const clockText = (ms: number): string => `${new Date(ms).toISOString().slice(5, 16).replace('T', ' ')} UTC`;

const rateText = (rate: number): string =>
  rate < 10 ? rate.toFixed(rate > 0 && rate < 0.1 ? 3 : 1) : countText(rate);

const round = (amount: number): number => Math.round(amount * 10) / 10;
