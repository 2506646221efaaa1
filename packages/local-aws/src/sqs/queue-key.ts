/**
 * The KMS key of an encrypted queue. SQS uses the key with the permissions of the caller. If an AWS service sends the message, only the
 * policy of the key can grant the permission.
 * Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 */
import type { Authorizer, Caller } from '../core/access.ts';
import { AwsError } from '../front/aws-error.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { KeyDirectory } from '../kms/kms.ts';
import type { Queue } from './queue-registry.ts';

/** The operations on the key that SQS needs for each action on a queue. Other actions need no key. */
const KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'sqs:SendMessage': ['kms:GenerateDataKey', 'kms:Decrypt'],
  'sqs:ReceiveMessage': ['kms:Decrypt'],
};

export interface KeyAccess {
  authorizer: Authorizer;
  kms: KeyDirectory;
}

/** Throws the error of SQS unless the caller may use the key of the queue for an action. */
export const authorizeKey = (access: KeyAccess, caller: Caller, action: string, queue: Queue): void => {
  const reason = keyRefusal(access, caller, action, queue);
  if (reason === null) return;
  throw new AwsError('KmsAccessDenied', reason, { status: 400, queryCode: 'KMS.AccessDeniedException' });
};

/** Returns why the caller may not use the key of the queue, or null if the caller may. */
export const keyRefusal = (
  { authorizer, kms }: KeyAccess,
  caller: Caller,
  action: string,
  queue: Queue,
): string | null => {
  const key = queue.attributes.text['KmsMasterKeyId'];
  if (key === undefined) return null;
  // This is the AWS managed key. Its policy allows the principals of the account, but no AWS service, and cannot be changed.
  if (!key.startsWith('arn:'))
    return caller.kind === 'service' ? `The policy of ${key} does not allow ${caller.service}.` : null;
  const accountId = 'accountId' in caller ? caller.accountId : queue.accountId;
  for (const keyAction of KEY_ACTIONS[action] ?? []) {
    const question = { caller, action: keyAction, resource: key };
    const decision = authorizer.decide({
      ...question,
      resourceAccountId: key.split(':')[4] ?? '',
      resourcePolicy: kms.policy(key),
      secureTransport: true,
      context: {
        'kms:viaservice': `sqs.${queue.region}.amazonaws.com`,
        'kms:calleraccount': accountId,
        'kms:encryptioncontextkeys': ['aws:sqs:arn'],
        'kms:encryptioncontext:aws:sqs:arn': queue.arn,
        'aws:viaawsservice': 'true',
      },
    });
    if (!decision.allowed) return accessDeniedMessage(question, decision.reason);
  }
  return kms.state(key) === 'Enabled' ? null : `${key} is not enabled.`;
};
