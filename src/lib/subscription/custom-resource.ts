/**
 * The protocol of CloudFormation custom resources. CloudFormation invokes a function and waits for a response, which the function
 * must PUT to a presigned URL. CloudFormation waits up to an hour, so a response is sent even after a failure.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** The attributes of a resource, which the template reads by `Fn::GetAtt`. */
export type Attributes = Record<string, string>;

export interface CustomResource {
  /** Returns the id that belongs to the properties. If the id changes, CloudFormation replaces the resource. */
  physicalResourceId(properties: unknown): string;
  create(properties: unknown): Promise<Attributes | void>;
  update(properties: unknown): Promise<Attributes | void>;
  delete(properties: unknown): Promise<void>;
}

/** Thrown by `create` if it failed and could not undo its changes. CloudFormation then sends a Delete, which must undo them. */
export class LeftBehind extends Error {
  override readonly name = 'LeftBehind';
}

/** PUTs a body to a URL. Rejects unless the body was accepted. */
export type SendAnswer = (url: string, body: string) => Promise<void>;

/** Maximum size of the response's body. */
const MAXIMUM_ANSWER_BYTES = 4096;

/** The beginning of the id of a resource whose Create failed but left nothing behind. Its Delete has nothing to remove. */
const FAILED_CREATE = 'not-created/';

/** The content of the response, for the log. */
export interface Outcome {
  status: 'FAILED' | 'SUCCESS';
  physicalResourceId: string;
  /** Why the request failed; empty on success. */
  reason: string;
  attributes: Attributes;
}

/**
 * Carries out the request of an event and sends the response.
 *
 * @throws Error if the event does not come from CloudFormation, or the response was not accepted
 */
export async function answerCustomResource(
  event: unknown,
  resource: CustomResource,
  send: SendAnswer,
): Promise<Outcome> {
  const url = textMember(event, 'ResponseURL');
  if (!url)
    throw new Error(
      'not an event of CloudFormation: it has no ResponseURL. This function cannot be invoked by hand',
    );
  refuseOtherHosts(url);
  const outcome = await perform(event, resource);
  await send(url, answerBody(event, outcome));
  return outcome;
}

/**
 * Throws an error unless the URL leads to AWS. Nothing is done for such an event. Anyone who may invoke the function chooses the
 * URL, and the response contains names of resources of this account.
 */
function refuseOtherHosts(url: string): void {
  const { protocol, hostname, host } = URL.canParse(url) ? new URL(url) : NO_URL;
  const isAws = protocol === 'https:' && AWS_HOST.test(hostname);
  const endpoint = process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'] ?? '';
  if (isAws || (URL.canParse(endpoint) && new URL(endpoint).host === host)) return;
  throw new Error('not an event of CloudFormation: its ResponseURL does not lead to AWS. Nothing was done');
}

const NO_URL = { protocol: '', hostname: '', host: '' };

/** The hosts of S3 in the partitions of AWS. CloudFormation waits for the response in a bucket of its own. */
const AWS_HOST =
  /(?:^|\.)s3[.-][a-z0-9.-]*(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)$/;

async function perform(event: unknown, resource: CustomResource): Promise<Outcome> {
  const present = textMember(event, 'PhysicalResourceId');
  try {
    const done = await performRequest(
      textMember(event, 'RequestType'),
      present,
      memberOf(event, 'ResourceProperties'),
      resource,
    );
    return { status: 'SUCCESS', reason: '', ...done };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const physicalResourceId = present || idOfFailure(event, error, resource);
    return { status: 'FAILED', physicalResourceId, reason, attributes: {} };
  }
}

const idOfFailure = (event: unknown, error: unknown, resource: CustomResource): string =>
  error instanceof LeftBehind
    ? resource.physicalResourceId(memberOf(event, 'ResourceProperties'))
    : FAILED_CREATE + (textMember(event, 'LogicalResourceId') || 'unknown');

async function performRequest(
  type: string,
  present: string,
  properties: unknown,
  resource: CustomResource,
): Promise<Pick<Outcome, 'physicalResourceId' | 'attributes'>> {
  switch (type) {
    case 'Create':
    case 'Update': {
      const attributes = await (type === 'Create'
        ? resource.create(properties)
        : resource.update(properties));
      return { physicalResourceId: resource.physicalResourceId(properties), attributes: attributes ?? {} };
    }
    case 'Delete':
      if (!present.startsWith(FAILED_CREATE)) await resource.delete(properties);
      return { physicalResourceId: present, attributes: {} };
    default:
      throw new Error(`the request type is ${JSON.stringify(type)}, not Create, Update or Delete`);
  }
}

/**
 * Returns the body of the response. CloudFormation does not accept a response that is too long, and would continue to wait. So
 * the longest text is cut until all fit. The ids are never cut, because CloudFormation compares them.
 */
function answerBody(event: unknown, { status, physicalResourceId, reason, attributes }: Outcome): string {
  const texts = new Map([['', reason], ...Object.entries(attributes)]);
  const body = (): string =>
    JSON.stringify({
      Status: status,
      Reason: texts.get(''),
      PhysicalResourceId: physicalResourceId,
      StackId: textMember(event, 'StackId'),
      RequestId: textMember(event, 'RequestId'),
      LogicalResourceId: textMember(event, 'LogicalResourceId'),
      Data: Object.fromEntries([...texts].filter(([name]) => name !== '')),
    });
  while (Buffer.byteLength(body()) > MAXIMUM_ANSWER_BYTES) {
    const [name, text] = [...texts].reduce((longest, other) =>
      other[1].length > longest[1].length ? other : longest,
    );
    if (text === '') break;
    texts.set(name, text.slice(0, Math.floor(text.length * 0.9)));
  }
  return body();
}

/** Returns a member of a JSON object. Returns undefined if `value` is no object, or has no such member. */
export const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

function textMember(value: unknown, name: string): string {
  const found = memberOf(value, name);
  return typeof found === 'string' ? found : '';
}

const SEND_ATTEMPTS = 4;

/**
 * PUTs the response of a custom resource to CloudFormation's presigned URL.
 *
 * @throws Error if CloudFormation did not accept the response after several attempts
 */
export async function sendAnswer(url: string, body: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await putAnswer(url, body);
    } catch (error) {
      if (attempt === SEND_ATTEMPTS) throw error;
      await sleep(200 * 2 ** attempt);
    }
  }
}

async function putAnswer(url: string, body: string): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    body,
    // The signature of the URL covers an empty content type.
    headers: { 'content-type': '' },
    signal: AbortSignal.timeout(3_000),
  });
  await response.arrayBuffer();
  if (!response.ok)
    throw new Error(`CloudFormation did not accept the answer: HTTP status ${response.status}`);
}
