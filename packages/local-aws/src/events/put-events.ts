/**
 * Handles PutEvents on the default event bus.
 * Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html,
 * API_PutEventsRequestEntry.html,
 * API_PutEventsResultEntry.html and
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
 */
import { z } from 'zod';
import type { Authorizer } from '../core/access.ts';
import type { EventBus } from '../core/delivery.ts';
import type { AwsRequest } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { authorize } from './authorize.ts';

const entryShape = z.strictObject({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  EventBusName: z.string().optional(),
  Resources: z.array(z.string()).optional(),
  Time: z.unknown().optional(),
});

type Entry = z.output<typeof entryShape>;

const inputShape = z.strictObject({ Entries: z.array(entryShape).min(1).max(10) });

type Answered = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

/** Maximum size in bytes of all entries of a request together. In some regions, AWS now allows more. */
const MAX_ENTRIES_BYTES = 256 * 1024;

export const putEvents = (
  request: AwsRequest,
  json: unknown,
  { iam, bus }: { iam: Authorizer; bus: EventBus },
): object => {
  const input = inputShape.safeParse(json);
  if (!input.success) throw new AwsError('ValidationException', z.prettifyError(input.error));
  const { Entries: entries } = input.data;
  const accountId = 'accountId' in request.caller ? request.caller.accountId : '';
  const named = (pick: (entry: Entry) => string | undefined): string[] => [
    ...new Set(entries.flatMap((entry) => pick(entry) ?? [])),
  ];
  authorize(iam, request, {
    action: 'PutEvents',
    resource: `arn:aws:events:${request.region}:${accountId}:event-bus/default`,
    keys: {
      'events:source': named(({ Source: source }) => source),
      'events:detail-type': named(({ DetailType: type }) => type),
    },
  });
  if (entries.every((entry) => missingIn(entry) !== undefined))
    throw new AwsError('ValidationException', 'Parameter Entries is not valid: no entry is complete.');
  if (entries.reduce((sum, entry) => sum + bytesOf(entry), 0) >= MAX_ENTRIES_BYTES)
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
  const answers = entries.map((entry) => put(entry, { accountId, region: request.region, bus }));
  return { FailedEntryCount: answers.filter((each) => 'ErrorCode' in each).length, Entries: answers };
};

const REQUIRED = ['Detail', 'DetailType', 'Source'] as const;

const missingIn = (entry: Entry): string | undefined => REQUIRED.find((name) => (entry[name] ?? '') === '');

/**
 * Returns the size of an entry.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
 */
const bytesOf = ({
  Source: source,
  DetailType: type,
  Detail: detail,
  Resources: resources,
  Time: time,
}: Entry) =>
  [source, type, detail, ...(resources ?? [])].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0) +
  (time === undefined ? 0 : 14);

const put = (
  entry: Entry,
  { accountId, region, bus }: { accountId: string; region: string; bus: EventBus },
): Answered => {
  const missing = missingIn(entry);
  if (missing !== undefined)
    return failed(
      'InvalidArgument',
      `Parameter ${missing} is not valid. Reason: ${missing} is a required argument.`,
    );
  const { Source: source = '', DetailType: detailType = '', Resources: resources = [] } = entry;
  if (entry.EventBusName !== undefined && entry.EventBusName !== 'default')
    throw notSupported('event buses other than the default one');
  if (detailType.length > 128) return failed('InvalidArgument', 'DetailType has more than 128 characters.');
  if (source.startsWith('aws.'))
    return failed('NotAuthorizedForSourceException', 'Not authorized for the source.');
  const detail = objectIn(entry.Detail ?? '');
  if (detail === null) return failed('MalformedDetail', 'Detail is malformed.');
  return { EventId: bus.putEvent({ accountId, region, source, detailType, resources, detail }) };
};

const failed = (code: string, message: string): Answered => ({ ErrorCode: code, ErrorMessage: message });

const objectIn = (text: string): Record<string, unknown> | null => {
  const parsed = z.record(z.string(), z.unknown()).safeParse(parsedOrNull(text));
  return parsed.success ? parsed.data : null;
};

const parsedOrNull = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
