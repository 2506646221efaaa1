import { notSupported, AwsError } from '../front/aws-error.ts';
import { escapeXml, writeQueryResult } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import type { Caller, ContextValue, PolicyDocument } from '../core/access.ts';
import { requestKeys, type AwsRequest, type AwsService } from '../core/request.ts';
import type { Iam, Role } from '../iam/iam.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';

const xmlns = 'https://sts.amazonaws.com/doc/2011-06-15/';

/**
 * Creates the local STS with AssumeRole and GetCallerIdentity.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function createSts({ iam }: { iam: Iam }): AwsService {
  return {
    async handle(request, response) {
      const parameters = await parametersOf(request);
      const action = parameters.get('Action') ?? '';
      const actions: Record<string, () => string> = {
        AssumeRole: () => assumeRole(iam, request, parameters),
        GetCallerIdentity: () => callerIdentity(request.caller),
      };
      const answer = actions[action];
      if (!answer) throw notSupported(`sts:${action}`);
      writeQueryResult(response, { action, xmlns, content: answer(), requestId: request.requestId });
    },
  };
}

async function parametersOf(request: AwsRequest): Promise<URLSearchParams> {
  const body = await readBody(request.body, 1024 * 1024);
  return new URLSearchParams(body.length > 0 ? body.toString() : request.query);
}

function assumeRole(iam: Iam, request: AwsRequest, parameters: URLSearchParams): string {
  const input = parseInput(parameters);
  const { caller } = request;
  if (caller.kind === 'anonymous' || caller.kind === 'service') throw unauthenticated();
  if (caller.kind === 'root') {
    throw new AwsError('AccessDenied', 'Roles may not be assumed by root accounts.', { status: 403 });
  }
  const role = iam.knownRole(input.roleArn);
  refuseUnlessTrusted(iam, request, role, input);
  const isChained = caller.kind === 'session';
  refuseTooLong(input.durationSeconds, role, isChained);
  const { credentials, caller: session } = iam.createSession(
    input.roleArn,
    input.sessionName,
    input.durationSeconds,
    input.sessionPolicy,
  );
  const expiration = new Date(Math.floor(credentials.expiresAtMs / 1000) * 1000);
  return (
    `<AssumedRoleUser><AssumedRoleId>${escapeXml(session.principalId)}</AssumedRoleId>` +
    `<Arn>${escapeXml(session.arn)}</Arn></AssumedRoleUser>` +
    `<Credentials><AccessKeyId>${credentials.accessKeyId}</AccessKeyId>` +
    `<SecretAccessKey>${escapeXml(credentials.secretAccessKey)}</SecretAccessKey>` +
    `<SessionToken>${escapeXml(credentials.sessionToken)}</SessionToken>` +
    `<Expiration>${expiration.toISOString().replace('.000', '')}</Expiration></Credentials>`
  );
}

interface AssumeRoleInput {
  roleArn: string;
  sessionName: string;
  durationSeconds: number;
  externalId: string | undefined;
  sessionPolicy: PolicyDocument | undefined;
}

function parseInput(parameters: URLSearchParams): AssumeRoleInput {
  const known = [
    'Action',
    'Version',
    'RoleArn',
    'RoleSessionName',
    'DurationSeconds',
    'ExternalId',
    'Policy',
  ];
  const unknown = [...parameters.keys()].find((name) => !known.includes(name) && !name.startsWith('X-Amz-'));
  if (unknown) throw notSupported(`sts:AssumeRole with ${unknown}`);
  const roleArn = parameters.get('RoleArn');
  const sessionName = parameters.get('RoleSessionName');
  const externalId = parameters.get('ExternalId') ?? undefined;
  const durationSeconds = Number(parameters.get('DurationSeconds') ?? 3600);
  const policy = parameters.get('Policy');
  if (roleArn === null) throw invalid(null, 'roleArn', 'Member must not be null');
  if (sessionName === null) throw invalid(null, 'roleSessionName', 'Member must not be null');
  if (roleArn.length < 20)
    throw invalid(roleArn, 'roleArn', 'Member must have length greater than or equal to 20');
  refuseUnlessMatching(/^[\w+=,.@-]{2,64}$/, sessionName, 'roleSessionName', '[\\w+=,.@-]*');
  if (externalId !== undefined) {
    refuseUnlessMatching(/^[\w+=,.@:/-]{2,1224}$/, externalId, 'externalId', '[\\w+=,.@:\\/-]*');
  }
  if (!(durationSeconds >= 900)) {
    throw invalid(
      String(durationSeconds),
      'durationSeconds',
      'Member must have value greater than or equal to 900',
    );
  }
  if (durationSeconds > 43_200) {
    throw invalid(
      String(durationSeconds),
      'durationSeconds',
      'Member must have value less than or equal to 43200',
    );
  }
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/.test(roleArn)) {
    throw new AwsError('ValidationError', `${roleArn} is invalid`);
  }
  const sessionPolicy = policy === null ? undefined : parseSessionPolicy(policy);
  return { roleArn, sessionName, durationSeconds, externalId, sessionPolicy };
}

function refuseUnlessMatching(pattern: RegExp, value: string, name: string, wording: string): void {
  if (pattern.test(value)) return;
  if (value.length < 2) throw invalid(value, name, 'Member must have length greater than or equal to 2');
  throw invalid(value, name, `Member must satisfy regular expression pattern: ${wording}`);
}

function invalid(value: string | null, name: string, constraint: string): AwsError {
  const shown = value === null ? 'null' : `'${value}'`;
  const message = `1 validation error detected: Value ${shown} at '${name}' failed to satisfy constraint: ${constraint}`;
  return new AwsError('ValidationError', message);
}

function parseSessionPolicy(text: string): PolicyDocument {
  if (text.length > 2048) throw invalid('…', 'policy', 'Member must have length less than or equal to 2048');
  try {
    const parsed: PolicyDocument = JSON.parse(text);
    return parsed;
  } catch {
    throw new AwsError('MalformedPolicyDocument', 'This policy contains invalid Json');
  }
}

/** Throws AccessDenied unless the role exists and trusts the caller. The message is the same in both cases. */
function refuseUnlessTrusted(
  iam: Iam,
  request: AwsRequest,
  role: Role | undefined,
  input: AssumeRoleInput,
): void {
  const question = { caller: request.caller, action: 'sts:AssumeRole', resource: input.roleArn };
  const context: Record<string, ContextValue> = {
    ...requestKeys(request),
    'sts:rolesessionname': input.sessionName,
    'sts:durationseconds': String(input.durationSeconds),
  };
  if (input.externalId !== undefined) context['sts:externalid'] = input.externalId;
  const decision = role
    ? iam.decide({
        ...question,
        resourceAccountId: role.accountId,
        resourcePolicy: role.trust,
        secureTransport: request.secureTransport,
        context,
      })
    : undefined;
  if (decision?.allowed) return;
  throw new AwsError('AccessDenied', accessDeniedMessage(question, '').trim(), { status: 403 });
}

function refuseTooLong(durationSeconds: number, role: Role | undefined, isChained: boolean): void {
  if (isChained && durationSeconds > 3600) {
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    );
  }
  if (role && durationSeconds > role.maxSessionDurationSeconds) {
    throw new AwsError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  }
}

function callerIdentity(caller: Caller): string {
  if (caller.kind === 'anonymous' || caller.kind === 'service') {
    throw unauthenticated();
  }
  return (
    `<Arn>${escapeXml(caller.arn)}</Arn><UserId>${escapeXml(caller.principalId)}</UserId>` +
    `<Account>${caller.accountId}</Account>`
  );
}

function unauthenticated(): AwsError {
  return new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', {
    status: 403,
  });
}
