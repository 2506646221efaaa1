/** The header x-amz-bypass-governance-retention, and the permission that a bypass requires. */
import { isAllowed } from './access.ts';
import { S3Error } from '../errors.ts';
import { header, type BucketContext } from '../protocol/request.ts';

export const bypassesGovernance = (context: BucketContext, key: string): boolean => {
  checkBypassHeader(context);
  const asked = header(context.request, NAME);
  return asked?.toLowerCase() === 'true' && isAllowed(context, 's3:BypassGovernanceRetention', { key });
};

/** Throws InvalidArgument if the request has the header, whatever its value, although the bucket has no object lock. */
export const checkBypassHeader = ({ request, bucket }: BucketContext): void => {
  if (header(request, NAME) !== undefined && bucket.objectLock === null)
    throw new S3Error('InvalidArgument', {
      message: 'x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.',
      elements: { ArgumentName: NAME },
    });
};

const NAME = 'x-amz-bypass-governance-retention';
