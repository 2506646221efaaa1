import type { PolicyDocument } from '../core/access.ts';

const LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
const QUEUE = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

const allow = (actions: string[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
});

const AWS_MANAGED: Record<string, PolicyDocument> = {
  'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole': allow(LOGS),
  'arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole': allow([...QUEUE, ...LOGS]),
};

/** Returns an AWS managed policy. Throws an error unless it is one of the few that the local AWS has. */
export const managedPolicy = (policyArn: string): PolicyDocument => {
  const policy = AWS_MANAGED[policyArn];
  if (!policy) throw new Error(`Policy ${policyArn} does not exist or is not attachable in the local AWS.`);
  return policy;
};
