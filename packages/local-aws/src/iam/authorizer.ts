import type {
  AccessQuestion,
  Authorizer,
  Caller,
  Decision,
  PolicyDocument,
  PolicyKind,
} from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { conditionHolds } from './condition.ts';
import { parsePolicy, type Statement } from './policy.ts';
import { matchPrincipals, type PrincipalMatch } from './principal.ts';
import { contextKeys, contextOf, type RequestContext } from './request-context.ts';

/**
 * Creates an authorizer that decides about requests as IAM does. An explicit deny overrides every allow. In the resource's own account,
 * either an identity policy or the resource policy must allow the action. For callers from other accounts, both must allow it. Trust
 * policies and key policies must always allow the action.
 *
 * `sessionPolicyOf` returns the session policy that was passed to AssumeRole. It only restricts the permissions of the role.
 * `organizationOf` returns the id of an account's organization, and `controlsOf` its service control policies, which restrict everybody
 * in the account. Throws UnsupportedPolicy for a policy that the local IAM cannot evaluate.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function createAuthorizer(
  clock: Clock,
  {
    sessionPolicyOf = () => undefined,
    organizationOf = () => undefined,
    controlsOf = () => undefined,
  }: {
    sessionPolicyOf?: (caller: Caller) => PolicyDocument | undefined;
    organizationOf?: (accountId: string) => string | undefined;
    controlsOf?: (accountId: string) => PolicyDocument[] | undefined;
  } = {},
): Authorizer {
  const parsed = new WeakMap<PolicyDocument, Statement[]>();
  const parse = (document: PolicyDocument, kind: PolicyKind): Statement[] => {
    const known = parsed.get(document);
    if (known) return known;
    const statements = parsePolicy(document, kind);
    parsed.set(document, statements);
    return statements;
  };
  return {
    decide(question) {
      const context = contextOf(contextKeys(question, clock, organizationOf));
      const kind = isTrustDecision(question.action) ? 'trust' : 'resource';
      const statements = question.resourcePolicy ? parse(question.resourcePolicy, kind) : [];
      const resource = judgeResourcePolicy(statements, question, context);
      if (resource === 'deny') return refuse('with an explicit deny in a resource-based policy');
      const { caller } = question;
      if (caller.kind === 'service' || caller.kind === 'anonymous')
        return onlyResourcePolicy(resource, question);
      const judge = (documents: PolicyDocument[] | undefined): Verdict =>
        documents === undefined
          ? 'allow'
          : judgePolicies(documents, question, context, (document) => parse(document, 'identity'));
      const control = judge(controlsOf(caller.accountId));
      if (control === 'deny') return refuse('with an explicit deny in a service control policy');
      if (control === 'none')
        return refuse(`because no service control policy allows the ${question.action} action`);
      const [sessionPolicy, boundary] = [
        sessionPolicyOf(caller),
        caller.kind === 'session' ? caller.boundary?.() : undefined,
      ];
      const verdicts = {
        identity: judge(caller.kind === 'root' ? undefined : caller.policies()),
        session: judge(sessionPolicy && [sessionPolicy]),
        boundary: judge(boundary && [boundary]),
        resource,
      };
      return combine(verdicts, question, caller.accountId);
    },
  };
}

/** Returns the message of an AccessDenied error, e.g. `User: arn:… is not authorized to perform: … on resource: … because …`. */
export function accessDeniedMessage(
  question: Pick<AccessQuestion, 'caller' | 'action' | 'resource'>,
  reason: string,
): string {
  const { caller, action } = question;
  const who =
    caller.kind === 'anonymous' ? 'anonymous' : caller.kind === 'service' ? caller.service : caller.arn;
  const resource = action.startsWith('s3:') ? `"${question.resource}"` : question.resource;
  return `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
}

type Verdict = 'allow' | 'deny' | 'none';

function combine(
  verdicts: { identity: Verdict; session: Verdict; boundary: Verdict; resource: PrincipalMatch },
  question: AccessQuestion,
  callerAccountId: string,
): Decision {
  const { identity, session, boundary, resource } = verdicts;
  const { action } = question;
  if (identity === 'deny') return refuse('with an explicit deny in an identity-based policy');
  if (session === 'deny') return refuse('with an explicit deny in a session policy');
  if (boundary === 'deny') return refuse('with an explicit deny in a permissions boundary');
  const sameAccount = callerAccountId === question.resourceAccountId;
  // If a resource policy names the session itself, session policy and boundary do not restrict it. If it names the role, they do.
  if (sameAccount && resource === 'session') return { allowed: true };
  if (session === 'none') return refuse(`because no session policy allows the ${action} action`);
  if (boundary === 'none') return refuse(`because no permissions boundary allows the ${action} action`);
  if (sameAccount && resource === 'direct') return { allowed: true };
  if (identity === 'none') return refuse(`because no identity-based policy allows the ${action} action`);
  const resourcePolicyDecides = !sameAccount || isTrustDecision(action) || action.startsWith('kms:');
  if (resourcePolicyDecides && resource === 'none') {
    return refuse(`because no resource-based policy allows the ${action} action`);
  }
  return { allowed: true };
}

function onlyResourcePolicy(resource: PrincipalMatch, question: AccessQuestion): Decision {
  if (resource !== 'none') return { allowed: true };
  return refuse(`because no resource-based policy allows the ${question.action} action`);
}

function refuse(reason: string): Decision {
  return { allowed: false, reason };
}

function isTrustDecision(action: string): boolean {
  return action.startsWith('sts:AssumeRole') || action === 'sts:SetSourceIdentity';
}

function judgePolicies(
  documents: PolicyDocument[],
  question: AccessQuestion,
  context: RequestContext,
  parse: (document: PolicyDocument) => Statement[],
): Verdict {
  const effects = new Set(
    documents
      .flatMap(parse)
      .filter((statement) => applies(statement, question, context))
      .map((statement) => statement.effect),
  );
  if (effects.has('Deny')) return 'deny';
  return effects.has('Allow') ? 'allow' : 'none';
}

function judgeResourcePolicy(
  statements: Statement[],
  question: AccessQuestion,
  context: RequestContext,
): PrincipalMatch | 'deny' {
  const granted = new Set<PrincipalMatch>();
  for (const statement of statements) {
    const match = matchPrincipals(statement.principals, question.caller);
    if (match === 'none' || !applies(statement, question, context)) continue;
    if (statement.effect === 'Deny') return 'deny';
    granted.add(match);
  }
  return (['session', 'direct', 'account'] as const).find((match) => granted.has(match)) ?? 'none';
}

function applies(statement: Statement, question: AccessQuestion, context: RequestContext): boolean {
  return (
    statement.appliesToAction(question.action) &&
    statement.appliesToResource(question.resource) &&
    conditionHolds(statement.condition, context)
  );
}
