import { ReplicationError } from '../../../model/errors.ts';

/** The error for a response of S3 that lacks a field which every complete response has. */
export const brokenAnswer = (operation: string, problem: string): ReplicationError =>
  new ReplicationError('service-error', `${operation}: ${problem}`);
