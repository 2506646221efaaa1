/** Checks the permission to use the KMS key that an object is encrypted with. */
import type { ContextValue } from '../../core/access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Encryption } from '../model/object.ts';
import { accountOf, type BucketContext } from '../protocol/request.ts';
import { deniedMessage } from './access.ts';

type KmsAction = 'kms:GenerateDataKey' | 'kms:Decrypt';

/**
 * Throws AccessDenied if the caller has no permission to use the KMS key of an object. If the key does not exist, is disabled or is
 * pending deletion, throws the error that KMS returns for such a key.
 */
export const authorizeKms = (
  context: BucketContext,
  action: KmsAction,
  encryption: Encryption,
  { key, bucket }: { key: string; bucket: Bucket },
): void => {
  if (encryption.algorithm === 'AES256' || encryption.algorithm === 'SSE-C') return;
  const keyArn = encryption.kmsKeyId;
  if (keyArn === null) {
    // Through S3, every caller from the bucket's account may use the AWS managed key. Callers from other accounts cannot use this key.
    if (accountOf(context.request.aws.caller) === bucket.accountId) return;
    throw new S3Error('AccessDenied');
  }
  const keyState = context.state.kms.state(keyArn);
  const region = keyArn.split(':')[3] ?? '';
  if (region !== bucket.region)
    throw new S3Error('KMS.NotFoundException', { message: `Invalid arn ${region}` });
  if (keyState === null)
    throw new S3Error('KMS.NotFoundException', { message: `Invalid keyId ${keyArn.replace(/^.*\//, '')}` });
  const objectArn = encryption.bucketKeyEnabled ? bucket.arn : `${bucket.arn}/${key}`;
  const pairs = { ...encryption.context, 'aws:s3:arn': objectArn };
  authorizeKey(context, action, keyArn, encryptionContext(pairs));
  if (keyState === 'Disabled')
    throw new S3Error('KMS.DisabledException', { message: `${keyArn} is disabled.` });
  if (keyState === 'PendingDeletion')
    throw new S3Error('KMS.KMSInvalidStateException', { message: `${keyArn} is pending deletion.` });
};

const encryptionContext = (pairs: Record<string, string>): Record<string, ContextValue> => ({
  'kms:encryptioncontextkeys': Object.keys(pairs),
  ...Object.fromEntries(
    Object.entries(pairs).map(([name, value]) => [`kms:encryptioncontext:${name.toLowerCase()}`, value]),
  ),
});

const authorizeKey = (
  { state, request }: BucketContext,
  action: KmsAction,
  keyArn: string,
  conditions: Record<string, ContextValue>,
): void => {
  const { caller } = request.aws;
  const [, , , region = '', keyAccountId = ''] = keyArn.split(':');
  const decision = state.authorizer.decide({
    caller,
    action,
    resource: keyArn,
    resourceAccountId: keyAccountId,
    resourcePolicy: state.kms.policy(keyArn),
    secureTransport: true,
    context: {
      'kms:viaservice': `s3.${region}.amazonaws.com`,
      'kms:calleraccount': accountOf(caller),
      'aws:viaawsservice': 'true',
      'aws:requestedregion': region,
      ...conditions,
    },
  });
  if (!decision.allowed)
    throw new S3Error('AccessDenied', { message: deniedMessage(caller, action, keyArn, decision.reason) });
};
