import { notSupported, AwsError } from '../front/aws-error.ts';
import { escapeXml, writeQueryResult } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import type { Caller, ContextValue } from '../core/access.ts';
import { requestKeys, type AwsRequest, type AwsService } from '../core/request.ts';
import type { Iam, Role } from '../iam/iam.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { invalid } from './invalid.ts';
import { parseSessionPolicy, type SessionPolicy } from './session-policy.ts';

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
  const sourceIdentity = allowedIdentity(iam, request, role, input);
  const isChained = caller.kind === 'session';
  refuseTooLong(input.durationSeconds, role, isChained);
  const { credentials, caller: session } = iam.createSession(
    input.roleArn,
    input.sessionName,
    input.durationSeconds,
    { policy: input.session?.policy, sourceIdentity },
  );
  const expiration = new Date(Math.floor(credentials.expiresAtMs / 1000) * 1000);
  return (
    `<AssumedRoleUser><AssumedRoleId>${escapeXml(session.principalId)}</AssumedRoleId>` +
    `<Arn>${escapeXml(session.arn)}</Arn></AssumedRoleUser>` +
    `<Credentials><AccessKeyId>${credentials.accessKeyId}</AccessKeyId>` +
    `<SecretAccessKey>${escapeXml(credentials.secretAccessKey)}</SecretAccessKey>` +
    `<SessionToken>${escapeXml(credentials.sessionToken)}</SessionToken>` +
    `<Expiration>${expiration.toISOString().replace('.000', '')}</Expiration></Credentials>` +
    (input.session === undefined
      ? ''
      : `<PackedPolicySize>${input.session.packedPercent}</PackedPolicySize>`) +
    (sourceIdentity === undefined ? '' : `<SourceIdentity>${escapeXml(sourceIdentity)}</SourceIdentity>`)
  );
}

interface AssumeRoleInput {
  roleArn: string;
  sessionName: string;
  durationSeconds: number;
  externalId: string | undefined;
  session: SessionPolicy | undefined;
  sourceIdentity: string | undefined;
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
    'SourceIdentity',
  ];
  const unknown = [...parameters.keys()].find((name) => !known.includes(name) && !name.startsWith('X-Amz-'));
  if (unknown) throw notSupported(`sts:AssumeRole with ${unknown}`);
  const roleArn = parameters.get('RoleArn');
  const sessionName = parameters.get('RoleSessionName');
  const externalId = parameters.get('ExternalId') ?? undefined;
  const durationSeconds = Number(parameters.get('DurationSeconds') ?? 3600);
  const sourceIdentity = parameters.get('SourceIdentity') ?? undefined;
  const policy = parameters.get('Policy');
  if (roleArn === null) throw invalid(null, 'roleArn', 'Member must not be null');
  if (sessionName === null) throw invalid(null, 'roleSessionName', 'Member must not be null');
  if (roleArn.length < 20)
    throw invalid(roleArn, 'roleArn', 'Member must have length greater than or equal to 20');
  refuseUnlessMatching(/^[\w+=,.@-]{2,64}$/, sessionName, 'roleSessionName', '[\\w+=,.@-]*');
  if (externalId !== undefined) {
    refuseUnlessMatching(/^[\w+=,.@:/-]{2,1224}$/, externalId, 'externalId', '[\\w+=,.@:\\/-]*');
  }
  if (sourceIdentity !== undefined) {
    refuseUnlessMatching(/^[\w+=,.@-]{2,64}$/, sourceIdentity, 'sourceIdentity', '[\\w+=,.@-]*');
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
  const session = policy === null ? undefined : parseSessionPolicy(policy);
  return { roleArn, sessionName, durationSeconds, externalId, session, sourceIdentity };
}

function refuseUnlessMatching(pattern: RegExp, value: string, name: string, wording: string): void {
  if (pattern.test(value)) return;
  if (value.length < 2) throw invalid(value, name, 'Member must have length greater than or equal to 2');
  throw invalid(value, name, `Member must satisfy regular expression pattern: ${wording}`);
}

/** Throws AccessDenied unless the role exists and trusts the caller. The message does not reveal which of the two is the reason. */
function refuseUnlessTrusted(
  iam: Iam,
  request: AwsRequest,
  role: Role | undefined,
  input: AssumeRoleInput,
): void {
  const { sessionName, durationSeconds, externalId, sourceIdentity } = input;
  decide(iam, request, role, {
    action: 'sts:AssumeRole',
    resource: input.roleArn,
    context: {
      'sts:rolesessionname': sessionName,
      'sts:durationseconds': String(durationSeconds),
      ...(externalId !== undefined && { 'sts:externalid': externalId }),
      ...(sourceIdentity !== undefined && { 'sts:sourceidentity': sourceIdentity }),
    },
  });
}

/**
 * Returns the source identity of the session; undefined if it has none. The policies of the caller and the trust policy of the role must
 * both allow sts:SetSourceIdentity. A session that assumes another role passes its source identity on, which requires the same permission,
 * and cannot change it. For this action, policies can check the parameter `sts:SourceIdentity`, but no other parameter such as the external
 * id.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
 */
function allowedIdentity(
  iam: Iam,
  request: AwsRequest,
  role: Role | undefined,
  { roleArn, sourceIdentity: wanted }: AssumeRoleInput,
): string | undefined {
  const own = request.caller.kind === 'session' ? request.caller.sourceIdentity : undefined;
  const identity = wanted ?? own;
  if (identity === undefined) return undefined;
  const action = 'sts:SetSourceIdentity';
  if (own !== undefined && own !== identity)
    throw denied({ caller: request.caller, action, resource: roleArn });
  decide(iam, request, role, { action, resource: roleArn, context: { 'sts:sourceidentity': identity } });
  return identity;
}

function decide(
  iam: Iam,
  request: AwsRequest,
  role: Role | undefined,
  { context, ...asked }: { action: string; resource: string; context: Record<string, ContextValue> },
): void {
  const question = { caller: request.caller, ...asked };
  const decision = role
    ? iam.decide({
        ...question,
        resourceAccountId: role.accountId,
        resourcePolicy: role.trust,
        secureTransport: request.secureTransport,
        context: { ...requestKeys(request), ...context },
      })
    : undefined;
  if (!decision?.allowed) throw denied(question);
}

function denied(question: Parameters<typeof accessDeniedMessage>[0]): AwsError {
  return new AwsError('AccessDenied', accessDeniedMessage(question, '').trim(), { status: 403 });
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
