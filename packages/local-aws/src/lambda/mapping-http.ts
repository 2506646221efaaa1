import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Authorizer } from '../core/access.ts';
import type { AwsRequest } from '../core/request.ts';
import { notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { EventSourceMappings } from './event-source-mappings.ts';
import { lambdaError } from './lambda-error.ts';
import type { EventSourceMapping } from './running-mapping.ts';

export const MAPPINGS_PATH = '/2015-03-31/event-source-mappings';
const LARGEST_BODY_BYTES = 64 * 1024;

interface MappingService {
  authorizer: Authorizer;
  eventSources: EventSourceMappings;
}

/**
 * Handles GetEventSourceMapping, ListEventSourceMappings (in a single page) and UpdateEventSourceMapping.
 * @throws AwsError the errors of the operation
 * Sources: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html, and for the permissions
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
 */
export const handleMappingRequest = async (
  service: MappingService,
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> => {
  const uuid = decodeURIComponent(request.path.slice(MAPPINGS_PATH.length).replaceAll('/', ''));
  const operation = `${request.method} ${uuid === '' ? 'all' : 'one'}`;
  if (operation === 'GET all') {
    authorize(service, request, 'ListEventSourceMappings', null);
    writeJson(response, { EventSourceMappings: wanted(service, request).map(describe) }, JSON_TYPE);
    return;
  }
  const found = mappingsOf(service, request).find((mapping) => mapping.uuid === uuid) ?? null;
  if (operation === 'GET one') {
    authorize(service, request, 'GetEventSourceMapping', found ?? uuid);
    if (!found) throw lambdaError('ResourceNotFoundException', NOT_FOUND);
    writeJson(response, describe(found), JSON_TYPE);
    return;
  }
  if (operation !== 'PUT one') throw notSupported(`${request.method} ${request.path} of Lambda`);
  authorize(service, request, 'UpdateEventSourceMapping', found ?? uuid);
  const changed = await service.eventSources.change(uuid, await readChanges(request));
  response.writeHead(202, { 'content-type': JSON_TYPE }).end(JSON.stringify(describe(changed)));
};

const JSON_TYPE = 'application/json';
const NOT_FOUND = 'The resource you requested does not exist.';

/** Returns the mappings of the caller's account and region. */
const mappingsOf = (
  { eventSources }: MappingService,
  { caller, region }: AwsRequest,
): EventSourceMapping[] => {
  const accountId = 'accountId' in caller ? caller.accountId : '';
  return eventSources
    .list()
    .filter(({ functionArn }) => functionArn.startsWith(`arn:aws:lambda:${region}:${accountId}:`));
};

const wanted = (service: MappingService, request: AwsRequest): EventSourceMapping[] => {
  const query = new URLSearchParams(request.query);
  const functionName = query.get('FunctionName');
  const queueArn = query.get('EventSourceArn');
  return mappingsOf(service, request).filter(
    ({ functionArn, configuration }) =>
      (functionName === null || functionArn.split(':').at(-1) === functionName.split(':').at(-1)) &&
      (queueArn === null || configuration.queueArn === queueArn),
  );
};

/**
 * Throws AccessDeniedException unless the caller may do the action. `about` is a mapping, the id of a mapping that does not exist, or null
 * for an action that is not about one mapping, such as listing.
 */
const authorize = (
  { authorizer }: MappingService,
  request: AwsRequest,
  action: string,
  about: EventSourceMapping | string | null,
): void => {
  const accountId = 'accountId' in request.caller ? request.caller.accountId : '';
  const uuid = typeof about === 'string' ? about : about?.uuid;
  const question = {
    caller: request.caller,
    action: `lambda:${action}`,
    resource:
      uuid === undefined ? '*' : `arn:aws:lambda:${request.region}:${accountId}:event-source-mapping:${uuid}`,
    resourceAccountId: accountId,
    secureTransport: request.secureTransport,
    ...(about !== null &&
      typeof about !== 'string' && { context: { 'lambda:functionarn': about.functionArn } }),
  };
  const decision = authorizer.decide(question);
  if (!decision.allowed) {
    throw lambdaError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
  }
};

/**
 * Only the queue is checked here, because Lambda cannot change it. The other properties are checked later, together with the rest of the
 * mapping.
 */
const mappingChanges = z.looseObject({ EventSourceArn: z.never().optional() });

const readChanges = async (request: AwsRequest): Promise<Record<string, unknown>> => {
  const text = (await readBody(request.body, LARGEST_BODY_BYTES)).toString('utf8') || '{}';
  try {
    return mappingChanges.parse(JSON.parse(text));
  } catch (error) {
    throw lambdaError('InvalidParameterValueException', `Could not parse the request: ${String(error)}`);
  }
};

const describe = (mapping: EventSourceMapping): Record<string, unknown> => {
  const { configuration } = mapping;
  return {
    UUID: mapping.uuid,
    EventSourceArn: configuration.queueArn,
    FunctionArn: mapping.functionArn,
    BatchSize: configuration.batchSize,
    MaximumBatchingWindowInSeconds: configuration.batchingWindowMs / 1000,
    FunctionResponseTypes: configuration.reportBatchItemFailures ? ['ReportBatchItemFailures'] : [],
    ...(configuration.maximumConcurrency !== null && {
      ScalingConfig: { MaximumConcurrency: configuration.maximumConcurrency },
    }),
    LastModified: mapping.modifiedAtMs / 1000,
    LastProcessingResult: mapping.lastProcessingResult,
    State: mapping.state,
    StateTransitionReason: 'USER_INITIATED',
  };
};
