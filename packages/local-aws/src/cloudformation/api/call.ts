import type { Authorizer } from '../../core/access.ts';
import { requestKeys, type AwsRequest } from '../../core/request.ts';
import { AwsError } from '../../front/aws-error.ts';
import type { QueryInput } from '../../front/query-input.ts';
import type { QueryOutput } from '../../front/query-xml.ts';
import { accessDeniedMessage } from '../../iam/authorizer.ts';
import type { S3Service } from '../../s3/service.ts';
import type { CloudFormation } from '../cloudformation.ts';
import type { Deployment } from '../deployment.ts';
import type { ResourceChange } from '../plan.ts';
import type { Stack } from '../stack.ts';

/** A request to CloudFormation, and the services that operations use to handle it. */
export interface Call {
  request: AwsRequest;
  input: QueryInput;
  accountId: string;
  region: string;
  cloudformation: CloudFormation;
  changeSets: ChangeSets;
  objects: Pick<S3Service, 'readObject'>;
  authorizer: Authorizer;
}

export interface ChangeSet {
  id: string;
  name: string;
  stackId: string;
  deployment: Deployment;
  createdAtMs: number;
  /** The changes; null if the change set would change nothing. CloudFormation reports such a change set as failed. */
  changes: ResourceChange[] | null;
}

/** Change sets by the id of their stack. */
export type ChangeSets = Map<string, ChangeSet[]>;

/** An operation of CloudFormation. `known` lists the fields that a request may have. `run` must first check the caller's permission. */
export interface Operation {
  known: string[];
  run(call: Call): QueryOutput | Promise<QueryOutput>;
}

export const validationError = (message: string): AwsError => new AwsError('ValidationError', message);

/** The value of a required field. Throws a ValidationError if the field is missing or empty. */
export const required = (input: QueryInput, name: string): string => {
  const value = input.text(name);
  if (value !== undefined && value !== '') return value;
  const field = name.charAt(0).toLowerCase() + name.slice(1);
  throw validationError(
    `1 validation error detected: Value null at '${field}' failed to satisfy constraint: Member must not be null`,
  );
};

/** Throws AccessDenied unless the caller may do the action on the resource. `action` has no prefix, e.g. `CreateStack`. */
export const authorize = (call: Call, action: string, resource: string): void => {
  const question = {
    caller: call.request.caller,
    action: `cloudformation:${action}`,
    resource,
    resourceAccountId: resource.split(':')[4] ?? call.accountId,
    secureTransport: call.request.secureTransport,
    context: requestKeys(call.request),
  };
  const decision = call.authorizer.decide(question);
  if (decision.allowed) return;
  throw new AwsError('AccessDenied', accessDeniedMessage(question, decision.reason), { status: 403 });
};

/** Returns the ARN that policies use for a stack that does not exist, or not yet. */
export const stackArn = ({ accountId, region }: Call, stackName: string): string =>
  stackName.startsWith('arn:')
    ? stackName
    : `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/*`;

/**
 * Finds a stack by its name or id. Finds a deleted stack only by its id. Checks the caller's permission for `action` on the stack. Throws a
 * ValidationError with the message from `missing` if the stack does not exist.
 */
export const findStack = (
  call: Call,
  action: string,
  nameOrId: string,
  missing: (nameOrId: string) => string,
): Stack => {
  const stack = lookUp(call, nameOrId);
  authorize(call, action, stack?.stackId ?? stackArn(call, nameOrId));
  if (!stack) throw validationError(missing(nameOrId));
  return stack;
};

const lookUp = ({ cloudformation, accountId, region }: Call, nameOrId: string): Stack | undefined => {
  if (nameOrId.startsWith('arn:')) {
    return cloudformation.stacks().find((stack) => stack.stackId === nameOrId && stack.region === region);
  }
  const stack = cloudformation.describe({ accountId, region, stackName: nameOrId });
  return stack && stack.status !== 'DELETE_COMPLETE' ? stack : undefined;
};

const PAGE_SIZE = 100;

/** Returns one page of a list, and the token for the next page. */
export const pageOf = <Item>(call: Call, items: Item[]): { page: Item[]; next: string | undefined } => {
  const token = call.input.text('NextToken');
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString());
  if (!Number.isInteger(from) || from < 0) throw validationError('Invalid NextToken');
  const to = from + PAGE_SIZE;
  return {
    page: items.slice(from, to),
    next: to < items.length ? Buffer.from(String(to)).toString('base64') : undefined,
  };
};
