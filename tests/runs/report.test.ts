import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvHeader, csvLine } from '../../src/lib/runs/report/report-csv.ts';
import type { ReportRow } from '../../src/lib/runs/report/report-data.ts';
import { reportHtml } from '../../src/lib/runs/report/report-html.ts';
import { timePlots } from '../../src/lib/runs/report/time-plots.ts';
import { reportJson } from '../../src/lib/runs/report/run-report.ts';
import { estimateBackfill } from '../../src/lib/runs/estimate/estimate.ts';
import { NO_WORK } from '../../src/lib/runs/estimate/workload.ts';
import { aReport, aSpec, compared, copied, RUN_SETTINGS } from './runs.ts';

const side = fc.record({
  versionId: fc.option(fc.string()),
  sizeBytes: fc.nat(),
  etag: fc.constantFrom('"0123"', '"0123-7"', '', 'no quotes', '"a,b"'),
});
const rows = fc.record<ReportRow>({
  key: fc.string({ unit: 'grapheme', minLength: 1 }),
  difference: fc.constantFrom('missing', 'different', 'attributes', 'history-shorter', 'extra'),
  source: fc.option(side),
  replica: fc.option(side),
  reason: fc.constantFrom(null, 'access-denied', 'kms'),
});

/** Parses CSV text. Accepts only the syntax of RFC 4180. Removes the apostrophe that protects spreadsheets from formulas. */
const readCsv = (text: string): string[][] => {
  const records: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gsy;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) throw new Error('no CSV');
    const value = match[1]?.replaceAll('""', '"') ?? match[2] ?? '';
    records.at(-1)?.push(value.replace(/^'/, ''));
    if (match[3] === '\r\n') records.push([]);
  }
  return records.slice(0, -1);
};

test('the CSV report gives back every key and every other field exactly, whatever characters they contain', () => {
  fc.assert(
    fc.property(fc.array(rows), (given) => {
      const [header, ...records] = readCsv(csvHeader() + given.map(csvLine).join(''));
      expect(header).toEqual([
        'key',
        'difference',
        'sourceVersion',
        'sourceBytes',
        'sourceEtag',
        'replicaVersion',
        'replicaBytes',
        'replicaEtag',
        'reason',
      ]);
      const fields = (one: ReportRow['source']) =>
        one === null
          ? ['', '', '']
          : [one.versionId ?? '', String(one.sizeBytes), one.etag.replace(/^"(.*)"$/, '$1')];
      expect(records).toEqual(
        given.map(({ key, difference, source, replica, reason }) => [
          key,
          difference,
          ...fields(source),
          ...fields(replica),
          reason ?? '',
        ]),
      );
    }),
  );
});

test('report.json contains the whole report, with the usage beside the estimate', () => {
  const report = aReport();
  expect(JSON.parse(reportJson(report))).toMatchObject({ ...report, used: { keys: 0, hours: 1 } });
});

const HOSTILE = `<script>alert(1)</script>"'&\u202e\u0000`;

const full = aReport({
  spec: aSpec({ rule: HOSTILE, since: HOSTILE }),
  stack: HOSTILE,
  run: HOSTILE,
  source: { bucket: HOSTILE, prefix: HOSTILE },
  destination: { bucket: HOSTILE, region: HOSTILE, prefix: HOSTILE },
  compared: compared({ keys: 1_000, missing: 900, same: 100 }),
  checked: compared({ keys: 1_000, missing: 3, same: 997, extra: 2 }),
  agrees: false,
  copied: copied({
    done: 897,
    outcomes: { replicated: 890, [HOSTILE]: 7 },
    failed: 3,
    reasons: { kms: 1, 'access-denied': 2 },
    examples: { 'access-denied': `denied ${HOSTILE}` },
    copies: 890,
    bytes: 890_000,
    minutes: [
      { minuteMs: 600_000, done: 600, bytes: 600_000, failed: 3 },
      { minuteMs: 720_000, done: 297, bytes: 290_000, failed: 0 },
    ],
    largest: [{ key: HOSTILE, bytes: 5 * 1024 ** 3, durationMs: 61_500 }],
    slowest: [{ key: `slow ${HOSTILE}`, bytes: 1, durationMs: 99_000 }],
  }),
  estimate: estimateBackfill(
    {
      work: { ...NO_WORK, keys: 1_000, versions: 1_000, bytes: 1e6, pages: 1 },
      basis: 'sample',
      errorShare: 0.124,
    },
    RUN_SETTINGS,
  ),
  files: [{ bucket: HOSTILE, key: HOSTILE, rows: 3, sha256: '' }],
  differences: [
    {
      key: `lost ${HOSTILE}`,
      difference: 'missing',
      source: { versionId: HOSTILE, sizeBytes: 12, etag: '"0123"' },
      replica: null,
      reason: null,
    },
  ],
  filesLeftOut: 4,
});

test('report.html shows the whole report, and escapes everything that could become HTML', () => {
  const text = reportHtml(full);
  expect(text).not.toContain('<script');
  for (const hidden of ['\u202e', '\0']) expect(text).not.toContain(hidden);
  expect(text).toContain('&#60;script&#62;');
  for (const words of [
    '3 of 1,000 keys of the source are missing or different at the destination.',
    '2 keys are only at the destination.',
    'access-denied',
    '5 GiB',
    '61.5 s',
    'slow &#60;script',
    'Estimate (sample, ±13 %)',
    'requests: get',
    'US$: transfer',
    'and 4 files more',
    'denied &#60;script',
    'lost &#60;script',
    '1 of more than 3 keys',
    'dlq list --reason access-denied',
    'Failures per minute',
  ])
    expect(text).toContain(words);
  // The most frequent reason comes first.
  expect(text.indexOf('access-denied')).toBeLessThan(text.indexOf('<code>kms'));
});

test('report.html begins with the result, then shows what there is to do, and keeps the tables closed below', () => {
  const text = reportHtml(full);
  const places = [
    'class="verdict bad"',
    'class="figures"',
    'Objects per second',
    'Failures by reason',
    'Keys that differ',
    'Estimate and what it used',
    '<details',
    'Requests and cost',
  ].map((words) => text.indexOf(words));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
  expect(text).not.toContain('<details open');
});

test('report.html names the region of the destination after its address', () => {
  const { destination } = aReport();
  const { bucket, prefix, region } = destination;
  expect(reportHtml(aReport())).toContain(`s3://${bucket}/${prefix} (${region})`);
});

test('the plots show a slow rate as more than nothing, and no bytes where there were none', () => {
  const minutes = [{ minuteMs: 0, done: 1, bytes: 0, failed: 0 }];
  const { html } = timePlots(minutes);
  expect(html).toContain('at most 0.017/s');
  expect(html).not.toContain('Bytes per second');
});

test('the axis of a plot shows the clock', () => {
  const text = reportHtml(full);
  expect(text).toContain('01-01 00:10 UTC');
  expect(text).toContain('01-01 00:13 UTC');
});

test('report.html loads nothing, needs no script and is well-formed', () => {
  const text = reportHtml(full);
  expect(text).toContain(`default-src &#39;none&#39;`.replaceAll('&#39;', "'"));
  expect(text).not.toMatch(/(src|href)=|url\(|@import|https?:|\son\w+=/);
  const open: string[] = [];
  for (const [, closing, name = '', , selfClosing] of text.matchAll(
    /<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^">])*?)(\/?)>/g,
  )) {
    if (closing === '/') expect(open.pop()).toBe(name);
    else if (selfClosing !== '/') open.push(name);
  }
  expect(open).toEqual([]);
});

test('the plot has a column for each minute, including minutes in which nothing happened', () => {
  const [, path = ''] = /<path class="area" d="([^"]*)"/.exec(reportHtml(full)) ?? [];
  // The area begins in the left corner and goes up to 10/s. A minute without any work follows at the bottom.
  // The last column rises again.
  expect(path.match(/V/g)).toHaveLength(4);
  expect(path).toMatch(/^M0 152V12H240V152H480V8/);
});

test('the plot of a run that took days has no more columns than a reader can distinguish', () => {
  const minutes = Array.from({ length: 10_000 }, (_, index) => ({
    minuteMs: index * 60_000,
    done: 60,
    bytes: 1,
    failed: 0,
  }));
  const text = reportHtml(aReport({ copied: copied({ minutes, done: 600_000 }) }));
  const [, path = ''] = /<path class="area" d="([^"]*)"/.exec(text) ?? [];
  expect(path.match(/V/g)?.length).toBeLessThan(305);
  expect(text).toContain('6d 22h');
});

test('the report of a run that found no difference and copied nothing is short', () => {
  const text = reportHtml(aReport({ copied: copied() }));
  expect(text).toContain('The destination holds all 10 keys of the source.');
  expect(text).toContain('Nothing was copied.');
  expect(text).not.toContain('Failures');
  expect(text).not.toContain('<figure');
});
