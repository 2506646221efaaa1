/** Asks whether a bucket keeps versions that are overwritten. */
import { GetBucketVersioningCommand } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../model/errors.ts';
import { call, type Target } from './client/call.ts';

/**
 * Resolves to false if versioning is off or suspended. Resolves to true if the role may not ask: writing a state that is replaced at
 * once costs work, but skipping it in a bucket that keeps old versions would lose a version.
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
