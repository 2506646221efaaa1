/** Lists, checks, redrives and discards dead letters, as the commands `dlq …` do. */
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { FILTER_OPTIONS, withQueue } from '../dead-letters/dead-letter-options.ts';
import { checkLines } from '../dead-letters/check-text.ts';
import { answerLine } from '../dead-letters/dead-letter-text.ts';
import { CHECK_LETTERS, checkLetters } from '../dead-letters/dlq-check.ts';
import { DISCARD, discardLetters, resultLines } from '../dead-letters/dlq-discard.ts';
import { LIST, listJson, listLetters } from '../dead-letters/dlq-list.ts';
import { REDRIVE, redriveLetters } from '../dead-letters/dlq-redrive.ts';
import { resultText } from '../dead-letters/redrive-result.ts';
import { asAnotherCommand } from '../deployment.ts';
import type { CommandSpec, ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';
import { answeringIo } from './answering-io.ts';
import type { Acted, Letters } from './api.ts';
import { askedOptions, queryFields } from './asked-options.ts';
import type { Deployed } from './deployed.ts';
import type { Fields } from './request-body.ts';
import { changes, reads, type Route } from './routes.ts';

/** Maximum number of letters that the page shows one by one. A narrower filter shows the other letters. */
const SHOWN = 200;

const FILTER = Object.keys(FILTER_OPTIONS);

export const letterRoutes = (deployed: Deployed): Route[] => {
  // A reader of the queue hides the letters for a moment. Without this order, a redrive during a list would find no letters.
  let last: Promise<unknown> = Promise.resolve();
  const on = async <Result>(
    { spec, fields }: { spec: CommandSpec; fields: Fields },
    work: (queue: OperatorQueue, options: ParsedOptions, io: CliIo) => Promise<Result>,
  ): Promise<Result & { notes: string[] }> => {
    const notes: string[] = [];
    const io = answeringIo(deployed.io, fields, notes);
    const allowed = [...FILTER, 'limit', 'dry-run'].filter((name) => name in spec.options);
    const options = askedOptions(spec, { fields, allowed, deployment: deployed.argv });
    const mine = last.then(() =>
      withQueue(options, io, async (queue) => ({ ...(await work(queue, options, io)), notes })),
    );
    last = mine.catch(() => undefined);
    return await mine;
  };
  const acts = (name: keyof typeof ACTIONS): Route => {
    const [spec, work] = ACTIONS[name];
    return changes(`/api/letters/${name}`, async ({ fields }) => {
      const json: Acted = await on({ spec, fields }, work);
      return { json };
    });
  };
  return [
    reads('/api/letters', async ({ query }) => {
      const json: Letters = await on({ spec: LIST, fields: queryFields(query) }, listed);
      return { json };
    }),
    // A check does not count as a change, although it asks S3 whether uploads may begin.
    { ...acts('check'), changes: false },
    acts('redrive'),
    acts('discard'),
  ];
};

const listed = async (queue: OperatorQueue, options: ParsedOptions, io: CliIo): Promise<Letters> => {
  const some: DeadMessage[] = [];
  const onLetter = (seen: DeadMessage): void => {
    if (some.length < SHOWN) some.push(seen);
  };
  const { summary, read } = await listLetters(queue, options, { io, onLetter });
  some.sort((one, other) => (one.deadSince < other.deadSince ? 1 : -1));
  return { ...listJson(queue, summary, read), some, said: answerLine(summary, queue, io.now()) };
};

type Work = (queue: OperatorQueue, options: ParsedOptions, io: CliIo) => Promise<{ said: string }>;

/** Each action does the work of the command with the same name, and answers with the text that the command prints. */
const ACTIONS: Record<'check' | 'discard' | 'redrive', [CommandSpec, Work]> = {
  check: [
    CHECK_LETTERS,
    async (queue, options, io) => {
      const { found } = await checkLetters(queue, options, io);
      const said = checkLines(found.letters, placeOf(queue, options, io)).join('\n');
      return { ...found, letters: found.letters.slice(0, SHOWN), said };
    },
  ],
  redrive: [
    REDRIVE,
    async (queue, options, io) => {
      const result = await redriveLetters(queue, options, io);
      if (result === null) throw new CliError('not-confirmed', 'nothing was sent.');
      return { ...result, said: resultText(result, placeOf(queue, options, io)) };
    },
  ],
  discard: [
    DISCARD,
    async (queue, options, io) => {
      const result = await discardLetters(queue, options, io);
      return { ...result, said: resultLines(result).join('\n') };
    },
  ],
};

const placeOf = (queue: OperatorQueue, options: ParsedOptions, io: CliIo) => ({
  queue,
  nowMs: io.now(),
  columns: io.columns,
  command: (words: string): string => asAnotherCommand(options, words),
});
