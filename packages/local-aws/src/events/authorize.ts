import type { Authorizer, ContextValue } from '../core/access.ts';
import { type AwsRequest, requestKeys } from '../core/request.ts';
import { AwsError } from '../front/aws-error.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';

/** Throws AccessDeniedException unless the caller may do the EventBridge action on a resource of the caller's own account. */
export const authorize = (
  iam: Authorizer,
  request: AwsRequest,
  { action, resource, keys = {} }: { action: string; resource: string; keys?: Record<string, ContextValue> },
): void => {
  const question = {
    caller: request.caller,
    action: `events:${action}`,
    resource,
    resourceAccountId: resource.split(':')[4] ?? '',
    secureTransport: request.secureTransport,
    context: { ...requestKeys(request), ...keys },
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
};
