import { z } from 'zod';
import type { AwsError } from '../front/aws-error.ts';
import { lambdaError } from './lambda-error.ts';

/** The configuration of an event source mapping from an SQS queue to a function. */
export interface EventSourceConfiguration {
  queueArn: string;
  /** The name or ARN of the function, as the properties contain it. */
  functionName: string;
  batchSize: number;
  batchingWindowMs: number;
  reportBatchItemFailures: boolean;
  /** Maximum number of concurrent invocations; null if only the function's own concurrency limits them. */
  maximumConcurrency: number | null;
  enabled: boolean;
}

const integer = z.coerce.number().int();
const boolean = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/**
 * The supported properties of AWS::Lambda::EventSourceMapping. All other properties are errors: FilterCriteria, DestinationConfig,
 * ProvisionedPollerConfig, and the properties for sources other than SQS.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
 */
const eventSourceProperties = z.strictObject({
  EventSourceArn: z.string().regex(/^arn:aws:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]{1,80}$/),
  FunctionName: z.string(),
  BatchSize: integer.min(1).max(10_000).default(10),
  MaximumBatchingWindowInSeconds: integer.min(0).max(300).default(0),
  Enabled: boolean.default(true),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).max(1).default([]),
  ScalingConfig: z.strictObject({ MaximumConcurrency: integer.min(2).max(1000).optional() }).optional(),
  MetricsConfig: z.unknown().optional(),
  Tags: z.unknown().optional(),
});

/**
 * Parses the properties of an AWS::Lambda::EventSourceMapping.
 * @throws AwsError InvalidParameterValueException
 */
export const parseEventSourceProperties = (properties: Record<string, unknown>): EventSourceConfiguration => {
  const parsed = eventSourceProperties.safeParse(properties);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const given = parsed.data;
  if (given.BatchSize > 10 && given.MaximumBatchingWindowInSeconds === 0) {
    throw invalid(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
    );
  }
  return {
    queueArn: given.EventSourceArn,
    functionName: given.FunctionName,
    batchSize: given.BatchSize,
    batchingWindowMs: given.MaximumBatchingWindowInSeconds * 1000,
    reportBatchItemFailures: given.FunctionResponseTypes.length > 0,
    maximumConcurrency: given.ScalingConfig?.MaximumConcurrency ?? null,
    enabled: given.Enabled,
  };
};

const invalid = (message: string): AwsError => lambdaError('InvalidParameterValueException', message);
