import { z } from 'zod';
import type { Authorizer } from '../core/access.ts';
import { type AwsRequest, type AwsService, requestKeys } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { parseFilterPattern } from './filter-pattern.ts';
import { arnOf, type LogGroupPlace, type LogGroups } from './log-groups.ts';

/**
 * The local CloudWatch Logs: log groups, streams, and searches with FilterLogEvents. It speaks AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export const createLogs = ({ groups, iam }: { groups: LogGroups; iam: Authorizer }): AwsService => ({
  handle: async (request, response) => {
    const name = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
    if (operation === undefined) throw notSupported(`logs:${name}`);
    const input = parseInput(JSON.parse((await readBody(request.body, MAX_BODY_BYTES)).toString() || '{}'));
    const place = placeOf(request, input);
    authorize(iam, request, `logs:${name}`, place);
    writeJson(response, operation(groups, place, input), 'application/x-amz-json-1.1');
  },
});

const MAX_BODY_BYTES = 2 * 1024 * 1024;

const inputSchema = z.strictObject({
  logGroupName: z.string().optional(),
  logGroupIdentifier: z.string().optional(),
  logStreamName: z.string().optional(),
  logStreamNames: z.array(z.string()).min(1).max(100).optional(),
  logStreamNamePrefix: z.string().optional(),
  startTime: z.number().optional(),
  endTime: z.number().optional(),
  filterPattern: z.string().max(1024).optional(),
  nextToken: z.string().optional(),
  limit: z.number().int().min(1).max(10_000).optional(),
  interleaved: z.boolean().optional(),
  unmask: z.literal(false).optional(),
  logGroupNamePrefix: z.string().optional(),
  logEvents: z.array(z.strictObject({ timestamp: z.number(), message: z.string() })).optional(),
});

type Input = z.output<typeof inputSchema>;

const parseInput = (json: unknown): Input => {
  const parsed = inputSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AwsError('InvalidParameterException', z.prettifyError(parsed.error));
};

/** Finds the log group of a request, which contains its name, or its name or ARN in `logGroupIdentifier`. */
const placeOf = ({ caller, region }: AwsRequest, input: Input): LogGroupPlace => {
  const { logGroupName, logGroupIdentifier: identifier } = input;
  if (logGroupName !== undefined && identifier !== undefined)
    throw new AwsError(
      'InvalidParameterException',
      'Only one of logGroupName and logGroupIdentifier can be specified.',
    );
  const arn = /^arn:[\w-]+:logs:([\w-]+):(\d{12}):log-group:([^:]+)(?::\*)?$/.exec(identifier ?? '');
  if (arn !== null) return { region: arn[1] ?? '', accountId: arn[2] ?? '', name: arn[3] ?? '' };
  const accountId = 'accountId' in caller ? caller.accountId : '';
  return { accountId, region, name: logGroupName ?? identifier ?? '' };
};

const authorize = (iam: Authorizer, request: AwsRequest, action: string, place: LogGroupPlace): void => {
  const question = {
    caller: request.caller,
    action,
    resource: `${arnOf(place)}:*`,
    resourceAccountId: place.accountId,
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
};

type Operation = (groups: LogGroups, place: LogGroupPlace, input: Input) => object;

const existing = (groups: LogGroups, place: LogGroupPlace): void => {
  if (!groups.exists(place))
    throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
};

const OPERATIONS: Record<string, Operation> = {
  DescribeLogGroups: (groups, place, { logGroupNamePrefix = '', limit = 50, nextToken = '' }) => {
    const names = groups
      .names(place)
      .filter((name) => name.startsWith(logGroupNamePrefix) && name > nextToken);
    const logGroups = names
      .slice(0, limit)
      .map((name) => ({ logGroupName: name, arn: `${arnOf({ ...place, name })}:*` }));
    return { logGroups, ...(names.length > limit && { nextToken: names[limit - 1] }) };
  },
  CreateLogGroup: (groups, place) => {
    if (groups.create(place)) return {};
    throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
  },
  DeleteLogGroup: (groups, place) => {
    existing(groups, place);
    groups.delete(place);
    return {};
  },
  CreateLogStream: (groups, place, { logStreamName = '' }) => {
    existing(groups, place);
    if (groups.createStream(place, logStreamName)) return {};
    throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
  },
  PutLogEvents: (groups, place, { logStreamName = '', logEvents = [] }) => {
    existing(groups, place);
    if (!groups.hasStream(place, logStreamName))
      throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
    for (const { message, timestamp } of logEvents)
      groups.write(place, { stream: logStreamName, message, timestampMs: timestamp });
    return { nextSequenceToken: '0' };
  },
  FilterLogEvents: (groups, place, input) => {
    existing(groups, place);
    return filterLogEvents(groups, place, input);
  },
};

/** Maximum size of a response. A response also has at most 10,000 events. */
const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Handles FilterLogEvents. The events at `startTime` and at `endTime` are included. */
const filterLogEvents = (groups: LogGroups, place: LogGroupPlace, input: Input): object => {
  const { startTime = 0, endTime = Infinity, limit = 10_000, logStreamNames, logStreamNamePrefix } = input;
  if (logStreamNames !== undefined && logStreamNamePrefix !== undefined)
    throw new AwsError(
      'InvalidParameterException',
      'Use only one of logStreamNames and logStreamNamePrefix.',
    );
  const matches = parseFilterPattern(input.filterPattern ?? '');
  const after = positionOf(input.nextToken);
  const found: object[] = [];
  let bytes = 0;
  for (const event of groups.events(place)) {
    const { timestampMs, sequence, stream, message } = event;
    const isAfter =
      timestampMs > after.timestampMs || (timestampMs === after.timestampMs && sequence > after.sequence);
    const isInStream =
      (logStreamNames?.includes(stream) ?? true) && stream.startsWith(logStreamNamePrefix ?? '');
    if (!isAfter || !isInStream || timestampMs < startTime || timestampMs > endTime || !matches(message))
      continue;
    bytes += Buffer.byteLength(message);
    found.push({
      logStreamName: stream,
      timestamp: timestampMs,
      message,
      ingestionTime: event.ingestionMs,
      eventId: event.eventId,
    });
    if (found.length === limit || bytes >= MAX_RESPONSE_BYTES)
      return { events: found, searchedLogStreams: [], nextToken: tokenOf({ timestampMs, sequence }) };
  }
  return { events: found, searchedLogStreams: [] };
};

interface Position {
  timestampMs: number;
  sequence: number;
}

const tokenOf = (position: Position): string => Buffer.from(JSON.stringify(position)).toString('base64url');

const positionOf = (token: string | undefined): Position => {
  if (token === undefined) return { timestampMs: -Infinity, sequence: 0 };
  try {
    return z
      .strictObject({ timestampMs: z.number(), sequence: z.number() })
      .parse(JSON.parse(Buffer.from(token, 'base64url').toString()));
  } catch {
    throw new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
  }
};
