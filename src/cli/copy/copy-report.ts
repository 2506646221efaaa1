/** Writes the files of `copy --report`. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReplicationConfiguration } from '../../lib/model/rule.ts';
import { csvHeader, csvLine } from '../../lib/runs/report/report-csv.ts';
import type { ReportRow, RunReport } from '../../lib/runs/report/report-data.ts';
import { foundBy, MAX_SHOWN_ROWS, shownRows } from '../../lib/runs/report/run-report.ts';
import { reportHtml } from '../../lib/runs/report/report-html.ts';
import { CliError } from '../terminal/errors.ts';
import { jsonLine, jsonText } from '../terminal/json.ts';
import type { CopyFailure } from './copy-objects.ts';
import type { CopyResult } from './copy-text.ts';

/** The times at which the copy and its last comparison began, and the end of the copy. */
interface Times {
  beganMs: number;
  checkBeganMs: number | null;
  endedMs: number;
}

export interface CopyReport {
  /** Adds a key that differs. In a dry run it differs before the copy, otherwise after the copy. */
  row(row: ReportRow): void;
  failure(failure: CopyFailure): void;
  /** Writes `report.json` and `report.html`, and closes all files. */
  end(result: CopyResult, course: Times & { configuration: ReplicationConfiguration }): Promise<void>;
}

/**
 * Creates the folder, and in it `differences.csv` and `failures.jsonl`. Only the owner may read these files, because keys may be
 * confidential. Throws {@link CliError}.
 */
export const createCopyReport = async (folder: string): Promise<CopyReport> => {
  const file = async (name: string): Promise<WriteStream> => {
    const stream = createWriteStream(join(folder, name), { mode: 0o600 });
    await once(stream, 'open');
    return stream;
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const differences = await file(DIFFERENCES);
    const failures = await file('failures.jsonl');
    const digest = createHash('sha256');
    const shown: ReportRow[] = [];
    let rows = 0;
    const line = (text: string): void => {
      differences.write(text);
      digest.update(text);
    };
    line(csvHeader());
    return {
      row(row) {
        line(csvLine(row));
        rows += 1;
        if (shown.length < MAX_SHOWN_ROWS) shown.push(row);
      },
      failure: (failure) => void failures.write(jsonLine(failure)),
      async end(result, course) {
        await Promise.all([differences, failures].map(async (stream) => await closed(stream)));
        const listed = { bucket: '', key: DIFFERENCES, rows, sha256: digest.digest('hex') };
        const data = reportOf(result, course, { files: [listed], differences: shown });
        await writeFile(join(folder, 'report.json'), jsonText(result), { mode: 0o600 });
        await writeFile(join(folder, 'report.html'), reportHtml(data), { mode: 0o600 });
      },
    };
  } catch (error) {
    throw new CliError('no-export', error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const DIFFERENCES = 'differences.csv';

const closed = async (stream: WriteStream): Promise<void> => {
  stream.end();
  await once(stream, 'close');
};

/** Returns the data of a copy in the form that the page of a run shows. */
const reportOf = (
  { spec, isDryRun, compared, copied, checked }: CopyResult,
  { configuration, beganMs, checkBeganMs, endedMs }: Parameters<CopyReport['end']>[1],
  found: Pick<RunReport, 'differences' | 'files'>,
): RunReport => ({
  ...foundBy(configuration, isDryRun ? { ...spec, isDryRun } : spec, checked ?? compared),
  files: found.files,
  differences: shownRows(found.differences),
  run: new Date(beganMs).toISOString(),
  stack: null,
  createdMs: beganMs,
  endedMs,
  phases: [
    { work: isDryRun ? 'comparing' : 'copying', beganMs, endedMs: checkBeganMs ?? endedMs },
    ...(checkBeganMs === null ? [] : [{ work: 'checking', beganMs: checkBeganMs, endedMs } as const]),
  ],
  compared: checked === null ? null : compared,
  copied: isDryRun ? null : copied,
  estimate: null,
  filesLeftOut: 0,
});
