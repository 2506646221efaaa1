/** CloudWatch Logs: searches by FilterLogEvents. */
import {
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  type FilterLogEventsCommandInput,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { setTimeout as delay } from 'node:timers/promises';
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { refused, same } from './difference.ts';

const api = (page: string): string =>
  `https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/${page}.html`;
const SYNTAX = 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html';
const NEEDS = ['logs'] as const;

const STREAM = 'one/stream';

/**
 * Writes messages whose timestamps are one millisecond apart, and waits until a search finds them all. Returns the name of the log group
 * and the timestamp of the first message.
 */
const written = async (context: Context, messages: readonly string[]) => {
  const logGroupName = await context.logGroup();
  const stream = { logGroupName, logStreamName: STREAM };
  await context.logs.send(new CreateLogStreamCommand(stream));
  const beganMs = context.now() - 1_000;
  const logEvents = messages.map((message, index) => ({ message, timestamp: beganMs + index }));
  await context.logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
  for (
    let tries = 0;
    tries < 24 && (await search(context, { logGroupName })).length < messages.length;
    tries += 1
  )
    await delay(tries === 0 ? 10 : 2_000);
  return { logGroupName, beganMs };
};

const search = async ({ logs }: Context, input: FilterLogEventsCommandInput): Promise<string[]> => {
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await logs.send(new FilterLogEventsCommand({ ...input, ...(nextToken && { nextToken }) }));
    found.push(...(page.events ?? []).map(({ message = '' }) => message));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
};

export const eventsAreFoundByTime = behaviour(
  'FilterLogEvents returns the events from startTime to endTime in the order of their timestamps.',
  api('API_FilterLogEvents'),
  async (context) => {
    const { logGroupName, beganMs } = await written(context, ['a', 'b', 'c', 'd']);
    same('all', await search(context, { logGroupName }), ['a', 'b', 'c', 'd']);
    const range = { startTime: beganMs + 1, endTime: beganMs + 2 };
    same('range', await search(context, { logGroupName, ...range }), ['b', 'c']);
  },
  NEEDS,
);

export const eventsComeInPages = behaviour(
  'With a limit, FilterLogEvents returns at most this many events, and a token for the next.',
  api('API_FilterLogEvents'),
  async (context) => {
    const { logGroupName } = await written(context, ['a', 'b', 'c']);
    const page = await context.logs.send(new FilterLogEventsCommand({ logGroupName, limit: 2 }));
    same('first page', (page.events ?? []).length <= 2, true);
    same('token', page.nextToken !== undefined, true);
    same('all', await search(context, { logGroupName, limit: 2 }), ['a', 'b', 'c']);
  },
  NEEDS,
);

export const eventsOfStreamsAreFound = behaviour(
  'FilterLogEvents searches the streams that are named, or those that begin with a prefix.',
  api('API_FilterLogEvents'),
  async (context) => {
    const { logGroupName } = await written(context, ['a']);
    same('named', await search(context, { logGroupName, logStreamNames: [STREAM] }), ['a']);
    same('prefix', await search(context, { logGroupName, logStreamNamePrefix: 'one' }), ['a']);
    same('other prefix', await search(context, { logGroupName, logStreamNamePrefix: 'other' }), []);
  },
  NEEDS,
);

export const termsMatchMessages = behaviour(
  'A filter pattern matches messages that have all terms, none of the excluded ones, and at least one of the optional ones. Case counts.',
  SYNTAX,
  async (context) => {
    const { logGroupName } = await written(context, [
      'ERROR 401 one',
      'ERROR 403 two',
      'error 401',
      'WARN 401',
    ]);
    const found = (filterPattern: string) => search(context, { logGroupName, filterPattern });
    same('all terms', await found('ERROR 401'), ['ERROR 401 one']);
    same('phrase', await found('"ERROR 403"'), ['ERROR 403 two']);
    same('excluded', await found('ERROR -401'), ['ERROR 403 two']);
    same('optional', await found('?WARN ?two'), ['ERROR 403 two', 'WARN 401']);
  },
  NEEDS,
);

export const propertiesMatchJson = behaviour(
  'A filter pattern in braces compares properties of JSON messages, joined by && and ||. A * stands for any text.',
  SYNTAX,
  async (context) => {
    const [one, two, three] = [
      { rule: 'invoices', key: 'a/1.pdf', bytes: 10 },
      { rule: 'media', key: 'b/2 3.pdf', bytes: 2_000, held: null },
      { rule: 'invoices', key: 'c', nested: { list: [{ ok: true }] } },
    ].map((each) => JSON.stringify(each));
    const { logGroupName } = await written(context, [one!, two!, three!, 'no JSON: invoices']);
    const found = (filterPattern: string) => search(context, { logGroupName, filterPattern });
    same('equal', await found('{ $.rule = "invoices" }'), [one, three]);
    same('spaces', await found('{ $.key = "b/2 3.pdf" }'), [two]);
    same('wildcard', await found('{ $.key = "*.pdf" }'), [one, two]);
    same('not equal', await found('{ $.rule != "invoices" }'), [two]);
    same('number', await found('{ $.bytes > 100 }'), [two]);
    same('and, or', await found('{ ($.rule = "invoices" && $.bytes < 100) || $.rule = "media" }'), [
      one,
      two,
    ]);
    same('null', await found('{ $.held IS NULL }'), [two]);
    same('missing', await found('{ $.bytes NOT EXISTS }'), [three]);
    same('nested', await found('{ $.nested.list[0].ok IS TRUE }'), [three]);
  },
  NEEDS,
);

export const aMissingGroupIsNotFound = behaviour(
  'FilterLogEvents fails with 400 ResourceNotFoundException for a log group that does not exist.',
  api('API_FilterLogEvents'),
  async (context) => {
    const missing = context.logs.send(
      new FilterLogEventsCommand({ logGroupName: context.unusedBucketName() }),
    );
    await refused('FilterLogEvents', missing, '400 ResourceNotFoundException');
  },
  NEEDS,
);

export const aWrongPatternIsRefused = behaviour(
  'FilterLogEvents fails with 400 InvalidParameterException for a pattern that does not follow the syntax.',
  api('API_FilterLogEvents'),
  async (context) => {
    const { logGroupName } = await written(context, ['a']);
    for (const filterPattern of ['{ $.a = }', '{ $.a = 1', '"open'])
      await refused(
        filterPattern,
        context.logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern })),
        '400 InvalidParameterException',
      );
  },
  NEEDS,
);
