/** Writes the files of `copy --report`. */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { csvHeader, csvLine } from '../../lib/runs/report/report-csv.ts';
import type { ReportRow } from '../../lib/runs/report/report-data.ts';
import { CliError } from '../terminal/errors.ts';
import { jsonLine, jsonText } from '../terminal/json.ts';
import type { CopyFailure } from './copy-objects.ts';

export interface CopyReport {
  /** A key that differs: before the copy in a dry run, otherwise after it. */
  row(row: ReportRow): void;
  failure(failure: CopyFailure): void;
  /** Writes `report.json` and closes all files. */
  end(result: unknown): Promise<void>;
}

/**
 * Creates `differences.csv` and `failures.jsonl` in the folder, and the folder. Only the owner may read them, because keys may be
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
    const differences = await file('differences.csv');
    const failures = await file('failures.jsonl');
    differences.write(csvHeader());
    return {
      row: (row) => void differences.write(csvLine(row)),
      failure: (failure) => void failures.write(jsonLine(failure)),
      async end(result) {
        await Promise.all([differences, failures].map(async (stream) => await closed(stream)));
        await writeFile(join(folder, 'report.json'), jsonText(result), { mode: 0o600 });
      },
    };
  } catch (error) {
    throw new CliError('no-export', error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const closed = async (stream: WriteStream): Promise<void> => {
  stream.end();
  await once(stream, 'close');
};
