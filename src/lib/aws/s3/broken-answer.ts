import { ReplicationError } from '../../model/errors.ts';

/** S3's answer lacks what every such answer has. */
export const brokenAnswer = (operation: string, problem: string): ReplicationError =>
  new ReplicationError('service-error', `${operation}: ${problem}`);
