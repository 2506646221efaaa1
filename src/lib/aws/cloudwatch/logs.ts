/** Searches the logs of the functions that replicate. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  concerns,
  logLineIn,
  type LogLine,
  logPattern,
  type LogQuery,
  type LogReader,
} from '../../inspect/log-lines.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';

/** Maximum number of pages of each log, unless the caller has less time. CloudWatch Logs may answer with many pages that hold nothing. */
const MAX_PAGES = 50;
/** Maximum number of lines kept from each log. The last lines are kept. */
const MAX_LINES = 2_000;

/** Opens the logs of these functions. `maxPages` limits the time of a search, which takes up to a second for each page. */
export const openLogs = (functions: readonly string[], region: string, maxPages = MAX_PAGES): LogReader => {
  const client = new CloudWatchLogsClient({ ...CONTROL_CLIENT, region });
  return {
    async find(query) {
      const found = await Promise.all(
        functions.map((name) => linesOf(client, { logGroupName: `/aws/lambda/${name}`, maxPages }, query)),
      );
      return {
        lines: found.flatMap(({ lines }) => lines).toSorted((one, other) => (one.time < other.time ? -1 : 1)),
        isComplete: found.every(({ isComplete }) => isComplete),
      };
    },
  };
};

const linesOf = async (
  client: CloudWatchLogsClient,
  { logGroupName, maxPages }: { logGroupName: string; maxPages: number },
  query: LogQuery,
) => {
  let lines: LogLine[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const command = new FilterLogEventsCommand({
      logGroupName,
      startTime: query.sinceMs,
      filterPattern: logPattern(query),
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    const answer = await client.send(command).catch((error: unknown) => {
      throw translateError(error, `logs:FilterLogEvents on ${logGroupName}`);
    });
    const read = (answer.events ?? []).flatMap(
      ({ message = '', timestamp = 0 }) => logLineIn(message, timestamp) ?? [],
    );
    lines = [...lines, ...read.filter((line) => concerns(query, line))].slice(-MAX_LINES);
    nextToken = answer.nextToken;
    if (nextToken === undefined) return { lines, isComplete: true };
  }
  return { lines, isComplete: false };
};
