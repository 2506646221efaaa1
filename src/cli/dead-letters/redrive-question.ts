import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { readLetters } from '../../lib/dead-letters/read.ts';
import { createSummer, type LetterGroup, type LetterSummary } from '../../lib/dead-letters/summary.ts';
import { reasonEntry } from '../../lib/model/reasons.ts';
import { countText } from '../../lib/text/amounts.ts';
import { confirm } from '../terminal/confirm.ts';
import type { CliIo } from '../terminal/io.ts';
import { createProgress } from '../terminal/progress.ts';
import { MAX_LIMIT } from './dead-letter-options.ts';
import { letterCount } from './dead-letter-text.ts';
import type { RedriveRequest } from './redrive-result.ts';

/** A redrive of more messages than this asks first. */
export const ASKED_ABOVE = 100;

/** Reads the letters that a redrive would send. */
export const surveyLetters = async (
  queue: OperatorQueue,
  { filter, limit }: Pick<RedriveRequest, 'filter' | 'limit'>,
  io: CliIo,
) => {
  const summer = createSummer(io.now());
  const progress = createProgress(io);
  const read = await readLetters(queue, {
    filter,
    limit: limit ?? MAX_LIMIT,
    reader: io,
    onRead: (count) => progress.update(`${letterCount(count)} read`),
    onMessage: (seen, message) => summer.add(seen, message),
  }).finally(() => progress.end());
  return { read, summary: summer.sum() };
};

/**
 * Asks for confirmation before many messages are sent, and says how many of them are likely to come back. Resolves to true if the redrive
 * may begin. Throws CliError if the command cannot ask anybody.
 */
export const mayRedrive = async (
  queue: OperatorQueue,
  request: RedriveRequest,
  io: CliIo,
): Promise<boolean> => {
  // After recent changes the number of messages is approximate. This does no harm, because the number only decides whether the
  // command asks.
  const most = Math.min(request.limit ?? Infinity, (await queue.state()).visible);
  if (most <= ASKED_ABOVE) return true;
  const { read, summary } = await surveyLetters(queue, request, io);
  if (read.interrupted) return false;
  if (summary.letters <= ASKED_ABOVE) return true;
  const more = read.more ? 'more than ' : '';
  io.stderr.write(`${more}${letterCount(summary.letters)} would be sent. ${returnText(summary)}\n`);
  return await confirm('Send them?', io);
};

/** Says how many letters will come back unless somebody has fixed their cause. */
export const returnText = ({ letters, groups }: LetterSummary): string => {
  const returning = groups.filter((group) => !mayHavePassed(group));
  const byReason = Map.groupBy(returning, ({ reason }) => reason);
  const counts = [...byReason].map(([reason, some]) => ({ reason, letters: sumOf(some) }));
  const count = sumOf(counts);
  if (count === 0) return 'Their causes may have passed by themselves.';
  const all = count === letters ? 'All' : countText(count);
  const reasons = counts.map((each) => `${countText(each.letters)} × ${each.reason}`).join(', ');
  return `${all} of them come back unless their causes were fixed: ${reasons}.`;
};

const mayHavePassed = ({ reason, endedBy }: LetterGroup): boolean =>
  endedBy !== 'discard' && reasonEntry(reason).mayPass === true;

const sumOf = (some: readonly { letters: number }[]): number =>
  some.reduce((sum, { letters }) => sum + letters, 0);
