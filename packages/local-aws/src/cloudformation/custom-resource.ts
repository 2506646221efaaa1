import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { CreatedResource } from '../core/resource-provider.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { isRecord } from './intrinsics.ts';
import { ResourceFailure, type Provider, type ResourceContext } from './provider.ts';
import type { ResponseEndpoint } from './response-endpoint.ts';

interface CustomRequest {
  type: 'Create' | 'Update' | 'Delete';
  physicalId: string | null;
  properties: Record<string, unknown>;
  oldProperties: Record<string, unknown> | null;
}

const answerSchema = z.object({
  Status: z.enum(['SUCCESS', 'FAILED']),
  Reason: z.string().optional(),
  PhysicalResourceId: z.string().max(1024).default(''),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  NoEcho: z.boolean().optional(),
  Data: z.record(z.string(), z.unknown()).nullish(),
});

const DEFAULT_TIMEOUT_SECONDS = 3600;

/**
 * The provider of custom resources. Each request goes to a Lambda function that the template names. The function sends its response to a
 * presigned URL.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
export const createCustomResourceProvider = (
  lambda: Pick<Lambda, 'invoke'>,
  responses: ResponseEndpoint,
): Provider => {
  const request = (context: ResourceContext, custom: CustomRequest): Promise<CreatedResource> =>
    requestCustomResource(lambda, responses, context, custom);
  return {
    isCustom: true,
    create: (context, properties) =>
      request(context, { type: 'Create', physicalId: null, properties, oldProperties: null }),
    update: (context, physicalId, properties, oldProperties) =>
      request(context, { type: 'Update', physicalId, properties, oldProperties }),
    delete: async (context, physicalId, properties) => {
      // If the creation failed without reporting a physical id, its deletion uses a generated id.
      const id = physicalId || context.generatedName;
      await request(context, { type: 'Delete', physicalId: id, properties, oldProperties: null });
    },
  };
};

const requestCustomResource = async (
  lambda: Pick<Lambda, 'invoke'>,
  responses: ResponseEndpoint,
  context: ResourceContext,
  custom: CustomRequest,
): Promise<CreatedResource> => {
  const requestId = randomUUID();
  const timeoutSeconds = Number(custom.properties.ServiceTimeout ?? DEFAULT_TIMEOUT_SECONDS);
  const response = responses.open(context, requestId, timeoutSeconds * 1000);
  try {
    await lambda.invoke(
      serviceFunction(custom.properties),
      eventOf(context, custom, requestId, response.url),
      {
        type: 'Event',
      },
    );
  } catch (error) {
    response.cancel();
    throw error;
  }
  const text = await response.body;
  if (text === null) {
    throw new Error(
      `CloudFormation did not receive a response from your custom resource within ${timeoutSeconds} seconds. Please check your logs for requestId [${requestId}].`,
    );
  }
  return readAnswer(text, context, custom, requestId);
};

const serviceFunction = (properties: Record<string, unknown>): string => {
  const { ServiceToken: token } = properties;
  if (typeof token === 'string' && token.startsWith('arn:aws:lambda:')) return token;
  throw new Error(`ServiceToken must be the ARN of a function, it is ${JSON.stringify(token)}`);
};

const eventOf = (
  context: ResourceContext,
  custom: CustomRequest,
  requestId: string,
  responseUrl: string,
): Record<string, unknown> => ({
  RequestType: custom.type,
  ServiceToken: custom.properties.ServiceToken,
  ResponseURL: responseUrl,
  StackId: context.stackId,
  RequestId: requestId,
  LogicalResourceId: context.logicalId,
  ...(custom.physicalId !== null && { PhysicalResourceId: custom.physicalId }),
  ResourceType: context.resourceType,
  ResourceProperties: inStrings(custom.properties),
  ...(custom.oldProperties && { OldResourceProperties: inStrings(custom.oldProperties) }),
});

/** Converts every scalar to a string, because CloudFormation passes properties in this form. */
const inStrings = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inStrings);
  if (!isRecord(value)) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inStrings(item)]));
};

const readAnswer = (
  text: string,
  context: ResourceContext,
  custom: CustomRequest,
  requestId: string,
): CreatedResource => {
  const answer = parseAnswer(text);
  const { PhysicalResourceId: physicalId, Reason: reason = '' } = answer;
  const knownId = physicalId || custom.physicalId || '';
  const isForUs =
    answer.StackId === context.stackId &&
    answer.RequestId === requestId &&
    answer.LogicalResourceId === context.logicalId;
  if (!isForUs)
    throw new ResourceFailure('Invalid response: StackId, RequestId or LogicalResourceId differ', knownId);
  if (answer.Status === 'FAILED') {
    throw new ResourceFailure(
      `Received response status [FAILED] from custom resource. Message returned: ${reason} (RequestId: ${requestId})`,
      knownId,
    );
  }
  if (physicalId === '') throw new ResourceFailure('Invalid PhysicalResourceId', knownId);
  const attributes = Object.entries(answer.Data ?? {}).map(([name, value]) => [name, String(value)] as const);
  return { physicalId, attributes: Object.fromEntries(attributes) };
};

const LARGEST_ANSWER_BYTES = 4096;

const parseAnswer = (text: string): z.infer<typeof answerSchema> => {
  if (Buffer.byteLength(text) > LARGEST_ANSWER_BYTES) throw new Error('Response object is too long.');
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`Invalid response object: ${String(error)}`, { cause: error });
  }
};
