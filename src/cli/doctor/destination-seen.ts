import type { RuleDestination } from '../../lib/model/rule.ts';
import { accountOf, type Context } from './context.ts';
import { DESTINATION_CAUSES } from './destination-causes.ts';
import { findingsOf } from './finding.ts';
import { DEPLOY, type Fix } from './fix.ts';
import { destinationSubject } from './report.ts';

const { ok, found, notChecked } = findingsOf('destinations', DESTINATION_CAUSES);

export type Seen = ReturnType<typeof seenFrom>;

/** Makes findings about one destination, with the fixes that several of them share. */
export const seenFrom = (context: Context, where: RuleDestination) => {
  const { rule, destination } = where;
  const subject = destinationSubject(where);
  const stage = context.whole.deployment.stage === 'prod' ? '' : ` --stage ${context.whole.deployment.stage}`;
  const command = (text: string, account = destination.account ?? accountOf(context)): Fix => ({
    kind: 'command',
    account,
    command: `npx s3-replicator ${text} --rule ${rule.id}${stage}`,
  });
  const template = command('config destination');
  return {
    ...where,
    context,
    ok: (text: string) => ok(text, subject),
    notChecked: (text: string) => notChecked(text, subject),
    found: (cause: keyof typeof DESTINATION_CAUSES, text: string, fix: Fix) =>
      found(cause, { subject, text, fix }),
    template,
    // The fixes for a refused role. If the operator has credentials of the destination account, a fix is the exact call.
    repairs: { trust: template, policy: template, compare: template },
    grants: command('config policy', accountOf(context)),
    edit: (edit: string): Fix => ({
      kind: 'edit',
      account: accountOf(context),
      edit: `${edit} in replication.yml`,
      command: DEPLOY,
    }),
    aws: (operation: string, input: Record<string, unknown>): Fix => ({
      kind: 'aws',
      account: destination.account ?? accountOf(context),
      region: destination.region,
      service: 's3api',
      operation,
      input: { Bucket: destination.bucket, ...input },
    }),
  };
};
