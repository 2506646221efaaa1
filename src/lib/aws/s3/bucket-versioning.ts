/** Asks whether a bucket keeps the versions that are written over. */
import { GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import { call, type Target } from './call.ts';

/**
 * Resolves to false if versioning is off or suspended. A role that may not ask gets true: writing states that are replaced at once
 * costs work, but leaving them out where the bucket keeps them would lose versions.
 */
export const keepsVersions = async (target: Target, bucket: string): Promise<boolean> => {
  const command = new GetBucketVersioningCommand({ Bucket: bucket });
  try {
    const answer = await call(target, 'GetBucketVersioning', (client, options) =>
      client.send(command, options),
    );
    return answer.Status === 'Enabled';
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.reason !== 'access-denied') throw error;
    target.clients.lacks(bucket, 's3:GetBucketVersioning');
    return true;
  }
};
