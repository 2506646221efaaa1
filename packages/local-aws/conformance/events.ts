/** EventBridge: PutEvents on the default event bus. No rule matches the events. */
import { behaviour } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, same } from './difference.ts';

const API = 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html';
const RESULT = 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html';
const NEEDS = ['events'] as const;

const put = async (
  { call }: Context,
  Entries: object[],
): Promise<{ FailedEntryCount: number; Entries: object[] }> =>
  JSON.parse(
    await call({ service: 'events', method: 'POST', target: 'AWSEvents.PutEvents', json: { Entries } }),
  );

const ENTRY = { Source: 's3r-conformance', DetailType: 'Conformance', Detail: '{"id":1}' };

export const eachEventFailsByItself = behaviour(
  'PutEvents answers 200 if some of its events fail. The answer has one entry for each event, in order: an EventId, or an ErrorCode with an ErrorMessage. FailedEntryCount counts the latter.',
  RESULT,
  async (context) => {
    const answer = await put(context, [ENTRY, { ...ENTRY, Detail: 'no JSON' }, ENTRY]);
    same('FailedEntryCount', answer.FailedEntryCount, 1);
    const kinds = answer.Entries.map((entry) =>
      'EventId' in entry ? 'put' : Reflect.get(entry, 'ErrorCode'),
    );
    same('entries', kinds.join(), 'put,MalformedDetail,put');
  },
  NEEDS,
);

export const sourcesOfAwsAreRefused = behaviour(
  'PutEvents fails an event whose source begins with `aws.` with NotAuthorizedForSourceException.',
  RESULT,
  async (context) => {
    const { Entries: entries } = await put(context, [ENTRY, { ...ENTRY, Source: 'aws.s3' }]);
    same('ErrorCode', Reflect.get(entries[1] ?? {}, 'ErrorCode'), 'NotAuthorizedForSourceException');
  },
  NEEDS,
);

export const moreThanTenEventsAreRefused = behaviour(
  'PutEvents refuses a request with more than ten events with 400 ValidationException.',
  API,
  async (context) => {
    const eleven = Array.from({ length: 11 }, () => ENTRY);
    const answer = await put(context, eleven).then(
      () => 'accepted',
      (error: unknown) => String(error),
    );
    matches('answer', answer, /400 .*ValidationException/s);
  },
  NEEDS,
);
