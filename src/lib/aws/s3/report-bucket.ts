/** Writes the reports of runs as files into a bucket of the source account. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { csvHeader, csvLine } from '../../runs/report/report-csv.ts';
import type { DifferenceWriter, ReportFiles } from '../../runs/ports.ts';
import type { ReportRow, RunReport } from '../../runs/report/report-data.ts';
import { hashedKey, type LoggedKeys } from '../../text/hashed-key.ts';
import { reportHtml } from '../../runs/report/report-html.ts';
import type { ReplicationError } from '../../model/errors.ts';
import { reportJson } from '../../runs/report/run-report.ts';
import { translateError } from '../errors.ts';
import type { S3Clients } from './client/clients.ts';

export interface ReportPlace {
  clients: Pick<S3Clients, 'own' | 'explainRefusal'>;
  bucket: string;
  /** The account that owns the bucket; null: the account of this deployment. */
  account: string | null;
  /** Ends with `/`, or is empty. */
  prefix: string;
  /** The name of the deployment, `<name>-<stage>`. */
  stack: string;
  loggedKeys: LoggedKeys;
}

/** Creates the writer of report files. The files of a run are under `<prefix><stack>/<run>/`. */
export const createReportFiles = (place: ReportPlace): ReportFiles => {
  const { bucket, prefix, stack } = place;
  const folderOf = (run: string): string => `${prefix}${stack}/${run}/`;
  return {
    bucket,
    differences: (run, name) => createWriter(place, folderOf(run) + name),
    async report(given) {
      const report = place.loggedKeys === 'hashed' ? withHashedKeys(given) : given;
      const folder = folderOf(report.run);
      const files = {
        'report.json': { Body: reportJson(report), ContentType: 'application/json' },
        'report.html': { Body: reportHtml(report), ContentType: 'text/html; charset=utf-8' },
      };
      for (const [name, file] of Object.entries(files)) await putReport(place, folder + name, file);
      return Object.fromEntries(
        Object.entries(files).map(([name, { Body }]) => [
          name,
          createHash('sha256').update(Body).digest('hex'),
        ]),
      );
    },
  };
};

const inHashedForm = <T extends { key: string }>(item: T): T => ({ ...item, key: hashedKey(item.key) });

/** Hashes the keys of a report. The totals stay as they are, and so do prefixes, because the configuration contains them anyway. */
const withHashedKeys = (report: RunReport): RunReport => ({
  ...report,
  copied: report.copied && {
    ...report.copied,
    largest: report.copied.largest.map(inHashedForm),
    slowest: report.copied.slowest.map(inHashedForm),
    examples: Object.fromEntries(
      Object.entries(report.copied.examples).map(([reason, key]) => [reason, hashedKey(key)]),
    ),
  },
});

/**
 * Maximum number of rows of a file that the table of runs also holds. A key has at most 1,024 bytes, so fifty rows stay far below the 400
 * KB of an item.
 */
const MAX_FIRST_ROWS = 50;

/** Uploads rows while the run finds more. At most two parts of the file are in memory. */
const createWriter = (place: ReportPlace, Key: string): DifferenceWriter => {
  const rows = createRowStream();
  const client = clientOf(place);
  const { bucket: Bucket, loggedKeys } = place;
  const upload = new Upload({
    client,
    params: { Bucket, Key, Body: rows.body, ContentType: 'text/csv; charset=utf-8' },
    queueSize: 2,
  });
  const uploaded = upload.done();
  // This handler only ends the stream. `close` throws the error.
  uploaded.catch(() => rows.body.destroy());
  let count = 0;
  const first: ReportRow[] = [];
  return {
    async write(more) {
      count += more.length;
      const written = loggedKeys === 'hashed' ? more.map(inHashedForm) : more;
      first.push(...written.slice(0, MAX_FIRST_ROWS - first.length));
      await rows.write(written);
    },
    async close() {
      rows.end();
      try {
        await uploaded;
      } catch (error) {
        throw await explained(place, error, `upload of ${Key} to report bucket ${Bucket}`);
      }
      return { key: Key, rows: count, sha256: rows.sha256(), first };
    },
    async abort() {
      await upload.abort();
      rows.body.destroy();
    },
  };
};

const clientOf = ({ clients, account }: ReportPlace): S3Client => clients.own(account).retrying;

const explained = async (place: ReportPlace, error: unknown, doing: string): Promise<ReplicationError> => {
  const { clients, bucket, account } = place;
  const { signal } = new AbortController();
  const asked = { ...clients.own(account), client: clients.own(account).single, bucket, signal };
  return await clients.explainRefusal(translateError(error, doing), asked);
};

const createRowStream = () => {
  let resume: (() => void) | null = null;
  const body = new Readable({
    read() {
      resume?.();
      resume = null;
    },
  });
  const hash = createHash('sha256');
  const push = (text: string): boolean => {
    hash.update(text);
    return body.push(text);
  };
  push(csvHeader());
  return {
    body,
    /** Returns the digest of everything that was written. May be called only once. */
    sha256: () => hash.digest('hex'),
    write: async (rows: readonly ReportRow[]): Promise<void> => {
      if (body.destroyed || push(rows.map(csvLine).join(''))) return;
      await new Promise<void>((resolve) => {
        resume = resolve;
        body.once('close', resolve);
      });
    },
    end: () => body.push(null),
  };
};

const putReport = async (
  place: ReportPlace,
  Key: string,
  { Body, ContentType }: { Body: string; ContentType: string },
): Promise<void> => {
  const { bucket: Bucket } = place;
  try {
    await clientOf(place).send(new PutObjectCommand({ Bucket, Key, Body, ContentType }));
  } catch (error) {
    throw await explained(place, error, `PutObject of ${Key} in report bucket ${Bucket}`);
  }
};
