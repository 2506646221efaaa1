/** Types and helpers that the operations of the IAM API share. */
import type { PolicyDocument } from '../core/access.ts';
import { type AwsRequest, requestKeys } from '../core/request.ts';
import { AwsError } from '../front/aws-error.ts';
import type { QueryInput } from '../front/query-input.ts';
import type { QueryOutput } from '../front/query-xml.ts';
import { accessDeniedMessage } from './authorizer.ts';
import type { Iam } from './iam.ts';

export interface Call {
  iam: Iam;
  request: AwsRequest;
  input: QueryInput;
  accountId: string;
}

/** An operation on a role or policy. `known` lists its parameters. */
export interface Operation<Target> {
  known: string[];
  run(call: Call, target: Target): QueryOutput;
}

/** Throws AccessDenied unless the caller may do the requested action on the resource. */
export const permit = ({ iam, request, input, accountId }: Call, resource: string): void => {
  const question = {
    caller: request.caller,
    action: `iam:${input.action}`,
    resource,
    resourceAccountId: accountId,
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDenied', accessDeniedMessage(question, decision.reason), { status: 403 });
};

export const noSuchEntity = (message: string): AwsError =>
  new AwsError('NoSuchEntity', message, { status: 404 });

export const required = (input: QueryInput, name: string): string => {
  const value = input.text(name);
  if (value !== undefined && value !== '') return value;
  throw new AwsError('ValidationError', `1 validation error detected: Value null at '${name}'`);
};

/** Encodes a policy as IAM returns it: percent-encoded as in RFC 3986. */
export const encodedPolicy = (document: PolicyDocument): string =>
  encodeURIComponent(JSON.stringify(document));

export const parsedDocument = (text: string): PolicyDocument => {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('MalformedPolicyDocument', 'Syntax errors in policy.', { status: 400 });
  }
};
