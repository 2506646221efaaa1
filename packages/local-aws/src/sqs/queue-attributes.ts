import type { PolicyDocument } from '../core/access.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { InvalidPrincipal, MalformedPolicy } from '../iam/policy-errors.ts';
import { isRecord } from './input.ts';
import { invalidParameter } from './sqs-errors.ts';

export interface RedrivePolicy {
  deadLetterTargetArn: string;
  maxReceiveCount: number;
}

export interface RedriveAllowPolicy {
  redrivePermission: 'allowAll' | 'denyAll' | 'byQueue';
  sourceQueueArns: string[];
}

/** The attributes of a queue, both as text and as parsed values. */
export interface QueueAttributes {
  /** The settable attributes that have a value, as text. */
  text: Readonly<Record<string, string>>;
  visibilityTimeoutMs: number;
  retentionMs: number;
  delayMs: number;
  waitTimeSeconds: number;
  maximumMessageSizeBytes: number;
  policy: PolicyDocument | undefined;
  redrivePolicy: RedrivePolicy | undefined;
  redriveAllowPolicy: RedriveAllowPolicy;
}

/** Returns a policy as AWS stores it. Throws MalformedPolicy or InvalidPrincipal for a policy that AWS rejects. */
export type KeepPolicy = (policy: PolicyDocument) => PolicyDocument;

/**
 * Applies `changes` to the attributes `base`, and checks the result. An empty text removes an attribute. An unchanged policy stays in the
 * form in which it was stored.
 *
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */
export function changeQueueAttributes(
  base: QueueAttributes | undefined,
  changes: Readonly<Record<string, unknown>>,
  keepPolicy: KeepPolicy,
): QueueAttributes {
  const text: Record<string, string> = { ...base?.text };
  for (const [name, value] of Object.entries(changes)) {
    if (typeof value !== 'string') throw invalidAttribute(name);
    refuseInvalid(name, value);
    if (value === '') delete text[name];
    else text[name] = value;
  }
  if (text.KmsMasterKeyId !== undefined) {
    if (changes.SqsManagedSseEnabled === 'true') throw twoKindsOfEncryption();
    text.SqsManagedSseEnabled = 'false';
  }
  const seconds = (name: string): number => Number(text[name] ?? defaultQueueAttributes[name]);
  return {
    text: { ...defaultQueueAttributes, ...text },
    visibilityTimeoutMs: seconds('VisibilityTimeout') * 1000,
    retentionMs: seconds('MessageRetentionPeriod') * 1000,
    delayMs: seconds('DelaySeconds') * 1000,
    waitTimeSeconds: seconds('ReceiveMessageWaitTimeSeconds'),
    maximumMessageSizeBytes: seconds('MaximumMessageSize'),
    policy: changes.Policy === undefined ? base?.policy : parseQueuePolicy(text.Policy, keepPolicy),
    redrivePolicy: text.RedrivePolicy === undefined ? undefined : parseRedrivePolicy(text.RedrivePolicy),
    redriveAllowPolicy: parseRedriveAllowPolicy(text.RedriveAllowPolicy),
  };
}

/** The attributes of a queue that was created without any, as text. */
export const defaultQueueAttributes: Readonly<Record<string, string>> = {
  VisibilityTimeout: '30',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
};

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  VisibilityTimeout: [0, 43_200],
  MaximumMessageSize: [1024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  DelaySeconds: [0, 900],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  KmsDataKeyReusePeriodSeconds: [60, 86_400],
};

const otherNames = [
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'SqsManagedSseEnabled',
];

function refuseInvalid(name: string, value: string): void {
  if (['FifoQueue', 'ContentBasedDeduplication'].includes(name)) throw notSupported('FIFO queues');
  const range = ranges[name];
  if (!range && !otherNames.includes(name))
    throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
  const isTakenAway = value === '' && defaultQueueAttributes[name] === undefined;
  if (isTakenAway) return;
  const isInRange = range && /^\d+$/.test(value) && Number(value) >= range[0] && Number(value) <= range[1];
  if (range && !isInRange) throw invalidAttribute(name);
  if (name === 'SqsManagedSseEnabled' && !['true', 'false'].includes(value)) throw invalidAttribute(name);
}

function parseQueuePolicy(json: string | undefined, keepPolicy: KeepPolicy): PolicyDocument | undefined {
  if (json === undefined) return undefined;
  if (!isRecord(parseJson(json))) throw invalidAttribute('Policy');
  try {
    return keepPolicy(JSON.parse(json));
  } catch (error) {
    if (error instanceof MalformedPolicy || error instanceof InvalidPrincipal)
      throw invalidAttribute('Policy', error.message);
    throw error;
  }
}

function parseRedrivePolicy(json: string): RedrivePolicy {
  const refuse = (reason: string): AwsError => invalidParameter('RedrivePolicy', json, reason);
  const policy: unknown = parseJson(json);
  if (!isRecord(policy)) throw refuse('Redrive policy is not a valid JSON map.');
  const { deadLetterTargetArn, maxReceiveCount } = policy;
  if (deadLetterTargetArn === undefined) {
    throw refuse('Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
  }
  if (maxReceiveCount === undefined) {
    throw refuse('Redrive policy does not contain mandatory attribute: maxReceiveCount.');
  }
  if (
    typeof deadLetterTargetArn !== 'string' ||
    !/^arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w-]+$/.test(deadLetterTargetArn)
  ) {
    throw refuse('Invalid value for deadLetterTargetArn.');
  }
  const count = Number(maxReceiveCount);
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    throw refuse('Invalid value for maxReceiveCount: must be between 1 and 1000.');
  }
  return { deadLetterTargetArn, maxReceiveCount: count };
}

function parseRedriveAllowPolicy(json: string | undefined): RedriveAllowPolicy {
  if (json === undefined) return { redrivePermission: 'allowAll', sourceQueueArns: [] };
  const refuse = (reason: string): AwsError => invalidParameter('RedriveAllowPolicy', json, reason);
  const policy: unknown = parseJson(json);
  if (!isRecord(policy)) throw refuse('Redrive allow policy is not a valid JSON map.');
  const { redrivePermission, sourceQueueArns } = policy;
  if (redrivePermission === 'allowAll' || redrivePermission === 'denyAll') {
    if (sourceQueueArns !== undefined) throw refuse('sourceQueueArns is only allowed with byQueue.');
    return { redrivePermission, sourceQueueArns: [] };
  }
  if (redrivePermission !== 'byQueue')
    throw refuse('redrivePermission must be allowAll, denyAll or byQueue.');
  const isList =
    Array.isArray(sourceQueueArns) && sourceQueueArns.length >= 1 && sourceQueueArns.length <= 10;
  if (!isList || !sourceQueueArns.every((arn) => typeof arn === 'string')) {
    throw refuse('byQueue needs 1 to 10 sourceQueueArns.');
  }
  return { redrivePermission, sourceQueueArns };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function invalidAttribute(name: string, reason = ''): AwsError {
  return new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}. ${reason}`.trim());
}

function twoKindsOfEncryption(): AwsError {
  return new AwsError(
    'InvalidAttributeName',
    'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.',
  );
}
