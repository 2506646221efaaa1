import type { TopicSubscription } from '../../lib/aws/settings/resource-policies.ts';
import { accountOf, type Context } from './context.ts';
import { DEPLOY, type Fix } from './fix.ts';

/**
 * Returns the fix after which somebody receives the alarms. If a subscription exists but is not confirmed, only the confirmation is
 * missing.
 */
export const subscribeTo = (context: Context, topicArn: string, waiting: TopicSubscription[]): Fix => {
  const account = accountOf(context);
  const [pending] = waiting;
  if (pending === undefined)
    return {
      kind: 'edit',
      account,
      edit: 'set stack.alarms.email in replication.yml (and confirm the mail that AWS sends)',
      command: DEPLOY,
    };
  return {
    kind: 'command',
    account,
    command: `aws sns subscribe --topic-arn ${topicArn} --protocol ${pending.protocol} --notification-endpoint ${pending.endpoint} --region ${context.region}`,
  };
};
