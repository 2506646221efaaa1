/** The fields of `report.json` and of the CSV files. Programs read them, so they keep their names, types and meanings. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { estimateBackfill } from '../../src/lib/runs/estimate/estimate.ts';
import { NO_WORK } from '../../src/lib/runs/estimate/workload.ts';
import { csvHeader } from '../../src/lib/runs/report/report-csv.ts';
import { reportJson } from '../../src/lib/runs/report/run-report.ts';
import { aReport, compared, copied, RUN_SETTINGS } from './runs.ts';

const KEY = { key: 'a', bytes: 1, durationMs: 1 };
const SIDE = { versionId: 'v1', sizeBytes: 1, etag: '"0123"' };

const report: Record<string, unknown> = JSON.parse(
  reportJson(
    aReport({
      compared: compared(),
      copied: copied({
        minutes: [{ minuteMs: 0, done: 1, bytes: 1, failed: 0 }],
        largest: [KEY],
        slowest: [KEY],
      }),
      estimate: estimateBackfill({ work: NO_WORK, basis: 'sample', errorShare: 0.1 }, RUN_SETTINGS),
      differences: [{ key: 'a', difference: 'different', source: SIDE, replica: SIDE, reason: 'kms' }],
      files: [{ bucket: 'acme-reports', key: 'a.csv', rows: 1, sha256: 'x' }],
    }),
  ),
);

const documents = readFileSync(new URL('../../docs/backfill.md', import.meta.url), 'utf8');

test('the fields of report.json are those of the table in docs/backfill.md', () => {
  const [, section = ''] = documents.split('### The fields of report.json');
  const [table = ''] = section.split('\n\nWithout');
  const names = [...table.matchAll(/^\| (`[^|]+)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(names.toSorted()).toEqual(Object.keys(report).toSorted());
});

test('no field of report.json changes its name or its type', async () => {
  await expect(`${fieldsOf(report).join('\n')}\n`).toMatchFileSnapshot('report-fields.txt');
});

test('the header of a CSV file is the documented one', () => {
  expect(documents).toContain(`\`${csvHeader().trim().replaceAll('"', '')}\``);
});

/** Returns the path and the type of every field. */
const fieldsOf = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return value.slice(0, 1).flatMap((each) => fieldsOf(each, `${path}[]`));
  if (typeof value !== 'object' || value === null)
    return [`${path}: ${value === null ? 'null' : typeof value}`];
  return Object.entries(value).flatMap(([name, each]) =>
    fieldsOf(each, path === '' ? name : `${path}.${name}`),
  );
};
