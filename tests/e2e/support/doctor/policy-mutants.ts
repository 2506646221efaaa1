/** Every statement of every policy of the source account, removed one at a time. */
import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { clientConfig } from '@s3-replicator/local-aws';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import { REGION, type Stage } from '../stages/stage.ts';
import { type Mutant, statementNames, withoutStatement } from './mutant.ts';

export const policyMutants = async (stage: Stage): Promise<Mutant[]> => [
  ...roleMutants(stage),
  ...managedMutants(stage),
  ...queueMutants(stage),
  ...topicMutants(stage),
  ...permissionMutants(stage),
];

const ROLES = ['replicateRole', 'subscribeRole', 'backfillRole', 'batchRole', 'batchJobRole'] as const;

const roleMutants = ({ aws, names }: Stage): Mutant[] =>
  ROLES.flatMap((which) => {
    const role = aws.iam.roleNamed(SOURCE_ACCOUNT, names[which]);
    if (role === undefined) throw new Error(`there is no role ${names[which]}`);
    const back = async () => aws.iam.putRole(role);
    const trust = statementNames(role.assumeRolePolicy).map((name, index) => ({
      name: `${which} trust ${name}`,
      place: which,
      causes: ['role-trust'],
      apply: async () => {
        aws.iam.putRole({ ...role, assumeRolePolicy: withoutStatement(role.assumeRolePolicy, index) });
        return back;
      },
    }));
    const policies = role.policies.flatMap((policy, position) =>
      (isInline(role.policyNames[position]) ? statementNames(policy) : []).map((name, index) => ({
        name: `${which} ${name}`,
        place: which,
        causes: ['role-policy'],
        ...(name === 'ReplicationRoles' ? { wrong: ['role-refused'] } : {}),
        apply: async () => {
          const changed = role.policies.with(position, withoutStatement(policy, index));
          aws.iam.putRole({ ...role, policies: changed });
          return back;
        },
      })),
    );
    return [...trust, ...policies];
  });

const isInline = (name: string | null | undefined): boolean => !(name ?? '').startsWith('arn:');

const managedMutants = ({ aws, names }: Stage): Mutant[] =>
  ROLES.flatMap((which) => {
    const role = aws.iam.roleNamed(SOURCE_ACCOUNT, names[which]);
    const arns = (role?.policyNames ?? []).flatMap((name) => (name === null || isInline(name) ? [] : [name]));
    return arns.flatMap((arn): Mutant[] => {
      const document = aws.iam.managedPolicies.get(arn)?.document;
      if (document === undefined) throw new Error(`there is no policy ${arn}`);
      const one = { place: arn, causes: ['role-policy'] };
      const lost = statementNames(document).map((name, index) => ({
        ...one,
        name: `managed policy of ${which} ${name}`,
        apply: async () => {
          aws.iam.managedPolicies.put(arn, withoutStatement(document, index));
          return async () => aws.iam.managedPolicies.put(arn, document);
        },
      }));
      const detached = {
        ...one,
        name: `managed policy of ${which} detached`,
        apply: async () => {
          const now = aws.iam.roleNamed(SOURCE_ACCOUNT, names[which]);
          if (now !== undefined) aws.iam.managedPolicies.detach(now, arn);
          return async () => {
            const then = aws.iam.roleNamed(SOURCE_ACCOUNT, names[which]);
            if (then !== undefined) aws.iam.managedPolicies.attach(then, arn);
          };
        },
      };
      return [...lost, detached];
    });
  });

const queueMutants = ({ aws, source }: Stage): Mutant[] =>
  aws.sqs.queues.list(SOURCE_ACCOUNT, REGION).flatMap((queue) => {
    const { policy } = queue.attributes;
    if (policy === undefined) return [];
    const QueueUrl = `${aws.endpoint}/${SOURCE_ACCOUNT}/${queue.name}`;
    const put = (document: object) =>
      source.sqs.send(
        new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: JSON.stringify(document) } }),
      );
    return statementNames(policy).map((name, index) => ({
      name: `queue ${queue.name} ${name}`,
      place: `queue ${queue.name}`,
      causes: ['queue-policy'],
      apply: async () => {
        await put(withoutStatement(policy, index));
        return () => put(policy);
      },
    }));
  });

const topicMutants = ({ aws, outputs }: Stage): Mutant[] => {
  const TopicArn = outputs['AlarmTopicArn'] ?? '';
  const policy = aws.sns.topic(TopicArn)?.policy;
  if (policy === undefined) throw new Error('the alarm topic has no policy');
  const client = new SNSClient(clientConfig(aws, aws.root(SOURCE_ACCOUNT), { region: REGION }));
  const put = (document: object) =>
    client.send(
      new SetTopicAttributesCommand({
        TopicArn,
        AttributeName: 'Policy',
        AttributeValue: JSON.stringify(document),
      }),
    );
  return statementNames(policy).map((name, index) => ({
    name: `alarm topic ${name}`,
    place: 'alarm topic',
    causes: ['topic-policy'],
    apply: async () => {
      await put(withoutStatement(policy, index));
      return () => put(policy);
    },
  }));
};

const permissionMutants = ({ aws }: Stage): Mutant[] =>
  aws.lambda.functionArns().flatMap((arn) => {
    const { permissions } = aws.lambda.function(arn);
    return [...permissions].map(([id, statement]) => ({
      name: `permission ${id.replace(/-[^-]*$/, '')}`,
      place: `permission ${id}`,
      causes: ['function-permission'],
      apply: async () => {
        permissions.delete(id);
        return async () => permissions.set(id, statement);
      },
    }));
  });
