/** Lists, checks, redrives and discards dead letters, as the commands `dlq …` do. */
import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import { FILTER_OPTIONS, withQueue } from '../dead-letters/dead-letter-options.ts';
import { CHECK_LETTERS, checkLetters } from '../dead-letters/dlq-check.ts';
import { DISCARD, discardLetters } from '../dead-letters/dlq-discard.ts';
import { LIST, listJson, listLetters } from '../dead-letters/dlq-list.ts';
import { REDRIVE, redriveLetters } from '../dead-letters/dlq-redrive.ts';
import type { CommandSpec, ParsedOptions } from '../terminal/command.ts';
import { CliError } from '../terminal/errors.ts';
import type { CliIo } from '../terminal/io.ts';
import { answeringIo } from './answering-io.ts';
import type { Checked, Discarded, Letters, Redriven } from './api.ts';
import { askedOptions, queryFields } from './asked-options.ts';
import type { Deployed } from './deployed.ts';
import { oneAfterAnother } from './once.ts';
import type { Fields } from './request-body.ts';
import { changes, reads, type Route } from './routes.ts';

/** Maximum number of letters that the page shows one by one. A narrower filter shows others. */
const SHOWN = 200;

const FILTER = Object.keys(FILTER_OPTIONS);

export const letterRoutes = (deployed: Deployed): Route[] => {
  // Whoever reads the queue holds its letters for a moment, so a redrive during a list would find none.
  const inTurn = oneAfterAnother();
  const on = async <Result>(
    { spec, fields, more = [] }: { spec: CommandSpec; fields: Fields; more?: string[] },
    work: (queue: OperatorQueue, options: ParsedOptions, io: CliIo) => Promise<Result>,
  ): Promise<Result & { notes: string[] }> => {
    const notes: string[] = [];
    const io = answeringIo(deployed.io, fields, notes);
    const allowed = [...FILTER, 'limit', ...more];
    const options = askedOptions(spec, { fields, allowed, deployment: deployed.argv });
    return await inTurn(() =>
      withQueue(options, io, async (queue) => ({ ...(await work(queue, options, io)), notes })),
    );
  };
  return [
    reads('/api/letters', async ({ query }) => {
      const json: Letters = await on({ spec: LIST, fields: queryFields(query) }, listed);
      return { json };
    }),
    // Nothing is changed, but S3 is asked whether uploads may begin.
    {
      ...changes('/api/letters/check', async ({ fields }) => {
        const json: Checked = await on(
          { spec: CHECK_LETTERS, fields },
          async (queue, options, io) => (await checkLetters(queue, options, io)).found,
        );
        return { json: { ...json, letters: json.letters.slice(0, SHOWN) } };
      }),
      changes: false,
    },
    changes('/api/letters/redrive', async ({ fields }) => {
      const json: Redriven = await on({ spec: REDRIVE, fields, more: ['dry-run'] }, redriven);
      return { json };
    }),
    changes('/api/letters/discard', async ({ fields }) => {
      const json: Discarded = await on({ spec: DISCARD, fields, more: ['dry-run'] }, discardLetters);
      return { json };
    }),
  ];
};

const listed = async (queue: OperatorQueue, options: ParsedOptions, io: CliIo): Promise<Letters> => {
  const some: DeadMessage[] = [];
  const onLetter = (seen: DeadMessage): void => {
    if (some.length < SHOWN) some.push(seen);
  };
  const { summary, read } = await listLetters(queue, options, { io, onLetter });
  some.sort((one, other) => (one.deadSince < other.deadSince ? 1 : -1));
  return { ...listJson(queue, summary, read), some };
};

const redriven = async (queue: OperatorQueue, options: ParsedOptions, io: CliIo) => {
  const result = await redriveLetters(queue, options, io);
  if (result === null) throw new CliError('not-confirmed', 'nothing was sent.');
  return result;
};
