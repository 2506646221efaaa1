import { type Authorizer, type Caller } from '../core/access.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { KmsKeys } from '../kms/kms.ts';
import type { ChangedResource } from './changed-resource.ts';
import { callsOf } from './resource-calls.ts';

/**
 * Throws an error for the first call that the caller may not make. CloudFormation makes its calls one after the other while it changes a
 * resource. The local CloudFormation checks them all before it changes the resource.
 */
export type Permit = (caller: Caller, change: ChangedResource) => void;

export const createPermit =
  (authorizer: Authorizer, keys: Pick<KmsKeys, 'policy'>): Permit =>
  (caller, change) => {
    const { accountId, region, resourceType } = change.place;
    const calls = callsOf(change);
    if (calls === null && caller.kind !== 'root')
      throw new Error(
        `the local AWS does not know which permissions ${resourceType} needs: deploy it as root`,
      );
    for (const { action, resource, context } of calls ?? []) {
      const question = { caller, action, resource };
      const decision = authorizer.decide({
        ...question,
        resourceAccountId: accountId,
        secureTransport: true,
        ...(action.startsWith('kms:') && { resourcePolicy: keys.policy(resource) }),
        context: {
          'aws:calledvia': ['cloudformation.amazonaws.com'],
          'aws:requestedregion': region,
          'aws:viaawsservice': 'true',
          ...context,
        },
      });
      if (!decision.allowed) throw new Error(accessDeniedMessage(question, decision.reason));
    }
  };
