/** The policies and settings of the stack's roles, queues, topics and event rules. */
import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  paginateListAttachedRolePolicies,
} from '@aws-sdk/client-iam';
import { GetTopicAttributesCommand, paginateListSubscriptionsByTopic, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { ask, type Asked, type AskedPlace, askOnce } from './asked.ts';

export interface Identity {
  account: string;
  arn: string;
}

export interface TopicSubscription {
  protocol: string;
  endpoint: string;
  isConfirmed: boolean;
}

export interface EventRuleState {
  isEnabled: boolean;
  pattern: string;
  schedule: string;
  targets: { id: string; arn: string; deadLetterArn: string }[];
}

export interface ResourcePolicies {
  identity(): Promise<Asked<Identity>>;
  /** The trust policy of a role, as text. */
  roleTrust(role: string): Promise<Asked<string>>;
  rolePolicy(role: string, policy: string): Promise<Asked<string>>;
  /** The default version of a managed policy, as text. */
  managedPolicy(arn: string): Promise<Asked<string>>;
  /** The ARNs of the managed policies of a role. */
  attachedPolicies(role: string): Promise<Asked<string[]>>;
  queueUrl(name: string): Promise<Asked<string>>;
  queueAttributes(url: string): Promise<Asked<Readonly<Record<string, string>>>>;
  topicAttributes(arn: string): Promise<Asked<Readonly<Record<string, string>>>>;
  topicSubscriptions(arn: string): Promise<Asked<TopicSubscription[]>>;
  eventRule(name: string): Promise<Asked<EventRuleState>>;
}

export const createResourcePolicies = (place: AskedPlace): ResourcePolicies => ({
  ...askRoles(place),
  ...askQueues(place),
  ...askTopics(place),
  eventRule: askEventRules(place),
});

const askRoles = (
  place: AskedPlace,
): Pick<ResourcePolicies, 'attachedPolicies' | 'identity' | 'managedPolicy' | 'rolePolicy' | 'roleTrust'> => {
  const sts = new STSClient({ ...place, ...CONTROL_CLIENT });
  const iam = new IAMClient({ ...place, ...CONTROL_CLIENT });
  return {
    identity: askOnce(() =>
      ask('sts:GetCallerIdentity', async () => {
        const { Account: account = '', Arn: arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
        return { account, arn };
      }),
    ),
    roleTrust: askOnce((role: string) =>
      ask('iam:GetRole', async () => {
        const { Role: found } = await iam.send(new GetRoleCommand({ RoleName: role }));
        return decodeURIComponent(found?.AssumeRolePolicyDocument ?? '');
      }),
    ),
    rolePolicy: askOnce((role: string, policy: string) =>
      ask('iam:GetRolePolicy', async () => {
        const command = new GetRolePolicyCommand({ RoleName: role, PolicyName: policy });
        return decodeURIComponent((await iam.send(command)).PolicyDocument ?? '');
      }),
    ),
    ...askManagedPolicies(iam),
  };
};

const askManagedPolicies = (
  client: IAMClient,
): Pick<ResourcePolicies, 'attachedPolicies' | 'managedPolicy'> => ({
  managedPolicy: askOnce((arn: string) =>
    ask('iam:GetPolicy, iam:GetPolicyVersion', async () => {
      const { Policy: policy } = await client.send(new GetPolicyCommand({ PolicyArn: arn }));
      const { PolicyVersion: version } = await client.send(
        new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: policy?.DefaultVersionId }),
      );
      return decodeURIComponent(version?.Document ?? '');
    }),
  ),
  attachedPolicies: askOnce((role: string) =>
    ask('iam:ListAttachedRolePolicies', async () => {
      const found: string[] = [];
      for await (const page of paginateListAttachedRolePolicies({ client }, { RoleName: role }))
        found.push(...(page.AttachedPolicies ?? []).flatMap(({ PolicyArn: arn }) => arn ?? []));
      return found;
    }),
  ),
});

const askQueues = (place: AskedPlace): Pick<ResourcePolicies, 'queueAttributes' | 'queueUrl'> => {
  // The URL of a queue in a template may have a host other than the endpoint of the caller.
  const sqs = new SQSClient({ ...place, useQueueUrlAsEndpoint: false, ...CONTROL_CLIENT });
  return {
    queueUrl: askOnce((name: string) =>
      ask('sqs:GetQueueUrl', async () => {
        const { QueueUrl: url = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
        return url;
      }),
    ),
    queueAttributes: askOnce((url: string) =>
      ask('sqs:GetQueueAttributes', async () => {
        const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] });
        return (await sqs.send(command)).Attributes ?? {};
      }),
    ),
  };
};

const askTopics = (place: AskedPlace): Pick<ResourcePolicies, 'topicAttributes' | 'topicSubscriptions'> => {
  const client = new SNSClient({ ...place, ...CONTROL_CLIENT });
  return {
    topicAttributes: askOnce((arn: string) =>
      ask('sns:GetTopicAttributes', async () => {
        const { Attributes: attributes = {} } = await client.send(
          new GetTopicAttributesCommand({ TopicArn: arn }),
        );
        return attributes;
      }),
    ),
    topicSubscriptions: askOnce((arn: string) =>
      ask('sns:ListSubscriptionsByTopic', async () => {
        const found: TopicSubscription[] = [];
        for await (const page of paginateListSubscriptionsByTopic({ client }, { TopicArn: arn }))
          for (const one of page.Subscriptions ?? [])
            found.push({
              protocol: one.Protocol ?? '',
              endpoint: one.Endpoint ?? '',
              isConfirmed: one.SubscriptionArn?.startsWith('arn:') ?? false,
            });
        return found;
      }),
    ),
  };
};

const askEventRules = (place: AskedPlace): ResourcePolicies['eventRule'] => {
  const client = new EventBridgeClient({ ...place, ...CONTROL_CLIENT });
  return askOnce((name: string) =>
    ask('events:DescribeRule, events:ListTargetsByRule', async () => {
      const [rule, { Targets: targets = [] }] = await Promise.all([
        client.send(new DescribeRuleCommand({ Name: name })),
        client.send(new ListTargetsByRuleCommand({ Rule: name })),
      ]);
      return {
        isEnabled: rule.State?.startsWith('ENABLED') ?? false,
        pattern: rule.EventPattern ?? '',
        schedule: rule.ScheduleExpression ?? '',
        targets: targets.map((target) => ({
          id: target.Id ?? '',
          arn: target.Arn ?? '',
          deadLetterArn: target.DeadLetterConfig?.Arn ?? '',
        })),
      };
    }),
  );
};
