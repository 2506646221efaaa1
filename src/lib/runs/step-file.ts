/** The file of the differences found in one step of a range. */
import { createHash } from 'node:crypto';
import type { Marker } from '../listing/page.ts';
import type { Json } from '../listing/range.ts';
import type { DifferenceWriter, ReportFiles } from './ports.ts';
import type { ReportRow } from './report/report-data.ts';
import type { DifferenceFile } from './run-store.ts';

/** The file is opened only when its first row is written, because most steps find no difference. */
export interface StepFile {
  begin(step: { after: Marker; carry: Json }): void;
  write(rows: readonly ReportRow[]): Promise<void>;
  end(): Promise<void>;
  /** The file to be committed with the step that ended last; null: the step found no differences. */
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
 * Creates the {@link StepFile} of a range. A repeated step begins at the same position as before, so its file has the same name
 * and replaces the earlier file. If a step is never committed, nothing refers to its file. If `files` is null, nothing is
 * written.
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
