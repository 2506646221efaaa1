/** All problems that the deployed stack itself can have. */
import type { Cause } from './finding.ts';

export const STACK_CAUSES = {
  'stack-status': {
    verdict: 'error',
    asks: 'cloudformation:DescribeStacks',
    means: 'The last deployment failed, or another one is running.',
    fix: 'npx serverless deploy, or what CloudFormation needs before it',
  },
  'resource-gone': {
    verdict: 'error',
    asks: 'each resource of the stack',
    means: 'Somebody deleted a resource of the stack outside CloudFormation.',
    fix: 'npx serverless remove && sleep 60 && npx serverless deploy: nothing creates a single resource again',
  },
  'role-trust': {
    verdict: 'error',
    asks: 'iam:GetRole',
    means: 'The trust policy of a role is not the one that was deployed: Lambda may not assume the role.',
    fix: 'aws iam update-assume-role-policy …',
  },
  'role-policy': {
    verdict: 'error',
    asks: 'iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion',
    means: 'A policy of a role lacks statements or actions that were deployed, or has an additional denial.',
    fix: 'aws iam put-role-policy …, aws iam create-policy-version … or aws iam attach-role-policy …',
  },
  'role-policy-wider': {
    verdict: 'warning',
    asks: 'iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion',
    means: 'A policy of a role allows more than what was deployed.',
    fix: 'aws iam put-role-policy …, aws iam create-policy-version … or aws iam attach-role-policy …',
  },
  'queue-policy': {
    verdict: 'error',
    asks: 'sqs:GetQueueAttributes',
    means: 'The policy of a queue is not the one that was deployed: senders are refused, or others may send.',
    fix: 'aws sqs set-queue-attributes …',
  },
  'queue-settings': {
    verdict: 'error',
    asks: 'sqs:GetQueueAttributes',
    means: 'The time-outs or the dead-letter queue of a queue are not those that were deployed.',
    fix: 'aws sqs set-queue-attributes …',
  },
  'topic-policy': {
    verdict: 'error',
    asks: 'sns:GetTopicAttributes',
    means: 'The policy of a topic is not the one that was deployed: alarms are not published.',
    fix: 'aws sns set-topic-attributes …',
  },
  'function-off': {
    verdict: 'error',
    asks: 'lambda:GetFunctionConfiguration, lambda:GetFunctionConcurrency',
    means: 'A function cannot run: it is not active, or its reserved concurrency is 0.',
    fix: 'aws lambda delete-function-concurrency …',
  },
  'function-reserved': {
    verdict: 'warning',
    asks: 'lambda:GetFunctionConcurrency',
    means: 'The reserved concurrency of a function is below the maximum concurrency of its queues.',
    fix: 'aws lambda delete-function-concurrency …',
  },
  'function-settings': {
    verdict: 'error',
    asks: 'lambda:GetFunctionConfiguration',
    means: 'The role, the time-out or the environment of a function is not the one that was deployed.',
    fix: 'aws lambda update-function-configuration …',
  },
  'recursion-stopped': {
    verdict: 'error',
    asks: 'lambda:GetFunctionRecursionConfig',
    means: 'Lambda stops messages that a function sends on to its own queue after about 16 invocations.',
    fix: 'aws lambda put-function-recursion-config …',
  },
  'function-permission': {
    verdict: 'error',
    asks: 'lambda:GetPolicy',
    means: 'A schedule may not invoke its function: waiting messages do not return, or nothing is checked.',
    fix: 'aws lambda add-permission …',
  },
  'mapping-off': {
    verdict: 'error',
    asks: 'lambda:GetEventSourceMapping',
    means: 'A queue is not read, because its event source mapping is switched off.',
    fix: 'aws lambda update-event-source-mapping …',
  },
  'mapping-changed': {
    verdict: 'error',
    asks: 'lambda:GetEventSourceMapping',
    means: 'An event source mapping has another batch size or concurrency than what was deployed.',
    fix: 'aws lambda update-event-source-mapping …',
  },
  'event-rule-off': {
    verdict: 'error',
    asks: 'events:DescribeRule',
    means: 'A rule of EventBridge is disabled: no event passes, or no schedule runs.',
    fix: 'aws events enable-rule …',
  },
  'event-rule-changed': {
    verdict: 'error',
    asks: 'events:DescribeRule, events:ListTargetsByRule',
    means: 'A rule of EventBridge has another pattern, schedule or target than what was deployed.',
    fix: 'aws events put-rule … or aws events put-targets …',
  },
  'alarms-unheard': {
    verdict: 'error',
    asks: 'sns:ListSubscriptionsByTopic',
    means: 'Nobody receives the alarms: the topic has no confirmed subscription.',
    fix: 'stack.alarms.email in replication.yml, deploy, confirm the mail',
  },
  'concurrency-short': {
    verdict: 'warning',
    asks: 'lambda:GetAccountSettings',
    means: 'The maximum concurrencies together need nearly the whole concurrency of the account, or more.',
    fix: 'request a higher quota (Lambda, Concurrent executions), or lower maximumConcurrency',
  },
  'report-bucket': {
    verdict: 'error',
    asks: 's3:ListBucket on the report bucket',
    means: 'The report bucket does not exist, belongs to somebody else, or is in another region.',
    fix: 'create the bucket, or correct backfill.report in replication.yml',
  },
  'report-bucket-denies': {
    verdict: 'error',
    asks: 's3:GetBucketPolicy on the report bucket',
    means: 'The policy of the report bucket denies writing reports.',
    fix: 'aws s3api put-bucket-policy …, with our role excluded from the statement',
  },
} as const satisfies Record<string, Cause>;
