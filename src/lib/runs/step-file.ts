/** The file of differences of one step of a range. */
import { createHash } from 'node:crypto';
import type { Marker } from '../listing/page.ts';
import type { Json } from '../listing/range.ts';
import type { DifferenceWriter, ReportFiles } from './ports.ts';
import type { ReportRow } from './report/report-data.ts';
import type { DifferenceFile } from './run-store.ts';

/** Opened with its first row, because most steps find no difference. */
export interface StepFile {
  begin(step: { after: Marker; carry: Json }): void;
  write(rows: readonly ReportRow[]): Promise<void>;
  end(): Promise<void>;
  /** The file to be committed with the step that ended last; null: it has no rows. */
  written(): DifferenceFile | null;
  abort(): Promise<void>;
}

export interface RangeOfRun {
  run: string;
  epoch: number;
  /** The range's id. */
  from: string;
}

/**
 * A repeated step begins at the same place as before, so its file has the same name and replaces the earlier one. A file whose step
 * was never committed belongs to nothing. `files` null: nothing is written.
 */
export const createStepFile = ({ run, epoch, from }: RangeOfRun, files: ReportFiles | null): StepFile => {
  let writer: DifferenceWriter | null = null;
  let written: DifferenceFile | null = null;
  let name = '';
  return {
    begin({ after, carry }) {
      const place = JSON.stringify([epoch, from, after.key, after.versionId, carry]);
      name = `differences/${createHash('sha256').update(place).digest('hex').slice(0, 32)}.csv`;
      written = null;
      writer = null;
    },
    async write(rows) {
      if (files === null) return;
      writer ??= files.differences(run, name);
      await writer.write(rows);
    },
    async end() {
      written = (await writer?.close()) ?? null;
      writer = null;
    },
    written: () => written,
    async abort() {
      await writer?.abort();
      writer = null;
    },
  };
};
