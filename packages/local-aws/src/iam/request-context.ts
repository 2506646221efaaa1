import type { AccessQuestion, Caller, ContextValue } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';

/** Returns the values of a condition key of the request; an empty list for an absent key. `key` must be in lower case. */
export type RequestContext = (key: string) => readonly string[];

/**
 * Returns all condition keys of a request with their values: the keys that the service provides, and the keys of the caller, the resource
 * and the time.
 */
export function contextKeys(
  question: Omit<AccessQuestion, 'resourcePolicy'>,
  clock: Clock,
  organizationOf: (accountId: string) => string | undefined = () => undefined,
): Record<string, ContextValue> {
  const { caller } = question;
  const nowMs = clock.now();
  const callerAccountId = 'accountId' in caller ? caller.accountId : '';
  const keys: Record<string, ContextValue | undefined> = {
    'aws:securetransport': String(question.secureTransport),
    'aws:resourceaccount': question.resourceAccountId,
    'aws:resourceorgid': organizationOf(question.resourceAccountId),
    'aws:principalorgid': organizationOf(callerAccountId),
    // The default. S3 and CloudFormation override it in the requests that they make in the name of a caller.
    'aws:viaawsservice': 'false',
    'aws:currenttime': new Date(nowMs).toISOString(),
    'aws:epochtime': String(Math.floor(nowMs / 1000)),
    ...callerKeys(caller),
  };
  for (const [key, value] of Object.entries(question.context ?? {})) keys[key.toLowerCase()] = value;
  const present = Object.entries(keys).filter((entry): entry is [string, ContextValue] => !!entry[1]?.length);
  return Object.fromEntries(present);
}

/** Wraps condition keys so that conditions can look them up. */
export function contextOf(keys: Record<string, ContextValue>): RequestContext {
  return (key) => {
    const value = keys[key];
    if (value === undefined) return [];
    return typeof value === 'string' ? [value] : value;
  };
}

function callerKeys(caller: Caller): Record<string, ContextValue | undefined> {
  switch (caller.kind) {
    case 'anonymous':
      return { 'aws:principaltype': 'Anonymous' };
    case 'service':
      return {
        'aws:principalisawsservice': 'true',
        'aws:principalservicename': caller.service,
        'aws:principalservicenameslist': [caller.service],
        'aws:sourcearn': caller.sourceArn,
        'aws:sourceaccount': caller.sourceAccount,
      };
    case 'root':
      return {
        'aws:principalisawsservice': 'false',
        'aws:principalarn': caller.arn,
        'aws:principalaccount': caller.accountId,
        'aws:principaltype': 'Account',
        'aws:userid': caller.principalId,
      };
    case 'session':
      return {
        'aws:principalisawsservice': 'false',
        'aws:principalarn': caller.roleArn,
        'aws:principalaccount': caller.accountId,
        'aws:principaltype': 'AssumedRole',
        'aws:userid': caller.principalId,
        'aws:tokenissuetime': caller.issuedAt,
        'aws:sourceidentity': caller.sourceIdentity,
        // Sessions have this key, root users do not. It is false because the local AWS has no multi-factor authentication.
        'aws:multifactorauthpresent': 'false',
      };
  }
}
