/** The queues, subscriptions, event rules and alarms that our code generates. */
import { expect, test } from 'vitest';
import { generatedTemplate } from './sample-stack.ts';
import { ofType, resource, statementsOf } from './statements.ts';

const template = generatedTemplate();
const properties = (logicalId: string): Record<string, unknown> => resource(template, logicalId).Properties;

/** Returns the event rules that forward events of buckets. */
const bucketRules = () =>
  ofType(template, 'AWS::Events::Rule').filter(
    ([, { Properties }]) => Properties['EventPattern'] !== undefined,
  );

test('messages of the live queue live for fourteen days, come back soon after the time-out of the function, and are not moved away because their invocations were throttled', () => {
  expect(properties('LiveQueue')).toEqual({
    QueueName: 'acme-replication-test-live',
    VisibilityTimeout: 450,
    MessageRetentionPeriod: 1_209_600,
    SqsManagedSseEnabled: true,
    RedrivePolicy: {
      deadLetterTargetArn: { 'Fn::GetAtt': ['LiveDeadLetterQueue', 'Arn'] },
      maxReceiveCount: 1_000,
    },
  });
  expect(properties('LiveDeadLetterQueue')).toMatchObject({
    QueueName: 'acme-replication-test-live-dlq',
    MessageRetentionPeriod: 1_209_600,
    SqsManagedSseEnabled: true,
    RedriveAllowPolicy: { redrivePermission: 'byQueue' },
  });
});

test('each destination of each rule has a waiting queue that keeps messages for fourteen days and that nothing polls', () => {
  const waiting = ofType(template, 'AWS::SQS::Queue').filter(([logicalId]) =>
    logicalId.startsWith('WaitingQueue'),
  );
  expect(waiting.map(([, { Properties }]) => Properties)).toEqual(
    waiting.map(([logicalId]) => ({
      QueueName: `acme-replication-test-waiting-${logicalId.slice('WaitingQueue'.length)}`,
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
    })),
  );
  expect(waiting).toHaveLength(5);
  const polled = JSON.stringify(ofType(template, 'AWS::Lambda::EventSourceMapping'));
  for (const [logicalId] of waiting) {
    expect(polled).not.toContain(logicalId);
    expect(statementsOf(properties(`${logicalId}Policy`)['PolicyDocument'])).toMatchObject([
      { Sid: 'OnlyThisStack' },
      { Sid: 'TlsOnly' },
    ]);
  }
});

test('only the source buckets of this account and our event rules may send to the live queue, and nobody may send without TLS', () => {
  const [buckets, rules, senders, tls, ...others] = statementsOf(
    properties('LiveQueuePolicy')['PolicyDocument'],
  );

  expect(others).toEqual([]);
  expect(buckets).toMatchObject({
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Condition: {
      ArnEquals: {
        'aws:SourceArn': [
          { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::acme-documents' },
          { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::acme-elsewhere' },
        ],
      },
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    },
  });
  // The decisions of IAM about this statement are in tests/security/queues.test.ts.
  expect(senders).toMatchObject({ Sid: 'OnlyThisStack', Effect: 'Deny', Action: 'sqs:SendMessage' });
  const [[eventRule] = []] = bucketRules();
  expect(rules).toMatchObject({
    Principal: { Service: 'events.amazonaws.com' },
    Condition: { ArnEquals: { 'aws:SourceArn': [{ 'Fn::GetAtt': [eventRule, 'Arn'] }] } },
  });
  for (const policy of ['LiveQueuePolicy', 'LiveDeadLetterQueuePolicy']) {
    expect(statementsOf(properties(policy)['PolicyDocument'])).toContainEqual({
      ...tls,
      Resource: expect.anything(),
    });
  }
  expect(tls).toMatchObject({
    Effect: 'Deny',
    Principal: '*',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  });
});

test('each source bucket is subscribed once, to the changes that its rules replicate, with filters that do not overlap', () => {
  const subscriptions = ofType(template, 'Custom::BucketSubscription').map(
    ([, { Properties }]) => Properties,
  );

  expect(subscriptions).toMatchObject([
    {
      bucket: 'acme-documents',
      events: 's3',
      ServiceTimeout: '1800',
      rules: ['invoices', 'paid', 'contracts'],
      accountId: { Ref: 'AWS::AccountId' },
      idPrefix: 'acme-replication-test:',
      eventTypes: [
        's3:ObjectCreated:*',
        's3:ObjectTagging:*',
        's3:ObjectRestore:Completed',
        's3:ObjectAcl:Put',
        's3:ObjectRetention:Put',
        's3:ObjectRemoved:*',
        's3:LifecycleExpiration:*',
      ],
      filters: [
        { prefix: 'contracts/', suffix: '.pdf' },
        { prefix: 'invoices/', suffix: '' },
      ],
    },
    { bucket: 'acme.media', events: 'eventbridge', eventTypes: [], filters: [] },
    {
      bucket: 'acme-elsewhere',
      events: 's3',
      eventTypes: [
        's3:ObjectCreated:*',
        's3:ObjectTagging:*',
        's3:ObjectRestore:Completed',
        's3:ObjectAcl:Put',
        's3:ObjectRetention:Put',
        's3:ObjectRemoved:*',
        's3:LifecycleExpiration:*',
      ],
      filters: [{ prefix: '', suffix: '' }],
    },
  ]);
});

test('nothing happens to dead letters that were received often, because their queue has no redrive policy', () => {
  expect(resource(template, 'LiveDeadLetterQueue').Properties).not.toHaveProperty('RedrivePolicy');
  expect(resource(template, 'LiveQueue').Properties).toHaveProperty('RedrivePolicy');
});

test('subscriptions form a chain, the check of a deployment ends it, and the schedule is deleted before all of them', () => {
  const ids = ofType(template, 'Custom::BucketSubscription').map(([id]) => id);
  const before = (id: string): string[] => {
    const { DependsOn = [] } = resource(template, id);
    return [DependsOn].flat().filter((each) => each.startsWith('Subscription'));
  };
  expect(ids.map(before)).toEqual([[], [ids[0]], [ids[1]]]);
  expect(before('SubscriptionCheck')).toEqual(ids);
  expect(before('SubscriptionSchedule')).toEqual([...ids, 'SubscriptionCheck']);
});

test('a subscription depends on the queue policy and on its permission, so that the permission outlives the subscription', () => {
  for (const [, { DependsOn = [] }] of ofType(template, 'Custom::BucketSubscription')) {
    expect(DependsOn).toContain('LiveQueuePolicy');
    expect(DependsOn.map((id) => template.Resources[id]?.Type)).toContain('AWS::IAM::ManagedPolicy');
  }
});

test('an event rule forwards the changes that the rules of its bucket replicate', () => {
  expect(bucketRules().map(([, { Properties }]) => Properties['EventPattern'])).toEqual([
    {
      source: ['aws.s3'],
      account: [{ Ref: 'AWS::AccountId' }],
      'detail-type': [
        'Object Created',
        'Object Tags Added',
        'Object Tags Deleted',
        'Object Restore Completed',
        'Object ACL Updated',
        { prefix: 'Object Retention' },
        'Object Deleted',
      ],
      detail: { bucket: { name: ['acme.media'] }, object: { key: [{ wildcard: 'photos/*.jpg' }] } },
    },
  ]);
});

test('sixteen alarms notify the alarm topic, to which only CloudWatch of this account may publish', () => {
  const alarms = ofType(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);

  expect(alarms.map(({ MetricName, Threshold }) => [MetricName, Threshold])).toEqual([
    ['ApproximateNumberOfMessagesVisible', 1],
    ['NumberOfMessagesSent', 1],
    ['ApproximateAgeOfOldestMessage', 864_000],
    ['ApproximateAgeOfOldestMessage', 1800],
    ['ApproximateNumberOfMessagesVisible', 1],
    ['ApproximateNumberOfMessagesVisible', 1],
    ['Errors', 1],
    ['Errors', 1],
    ['Errors', 1],
    ['Errors', 1],
    ['DestinationsAvoided', 1],
    ['DeletesPaused', 1],
    ['Throttles', 1],
    ['RecursiveInvocationsDropped', 1],
    ['RecursiveInvocationsDropped', 1],
    ['RecursiveInvocationsDropped', 1],
  ]);
  for (const alarm of alarms) {
    expect(alarm).toMatchObject({ AlarmActions: [{ Ref: 'AlarmTopic' }], TreatMissingData: 'notBreaching' });
  }
  expect(properties('AlarmTopic')).toMatchObject({
    Subscription: [{ Protocol: 'email', Endpoint: 'ops@example.com' }],
  });
  expect(statementsOf(properties('AlarmTopicPolicy')['PolicyDocument'])[0]).toMatchObject({
    Principal: { Service: 'cloudwatch.amazonaws.com' },
    Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
  });
});
