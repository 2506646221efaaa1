/** The place where the probe of an S3 service writes, and the functions that judge the answers of the service. */
import type { Readable } from 'node:stream';
import {
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ServiceAnswer } from '../../../model/service-answers.ts';
import { readError } from '../../read-error.ts';

export interface Room {
  client: S3Client;
  Bucket: string;
  Key: string;
}

/** Resolves to the ETag in the answer, or to '' if there is none. */
export const put = async (
  { client, Bucket, Key }: Room,
  Body: Readable | string,
  more: Partial<PutObjectCommandInput> = {},
): Promise<string> => (await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))).ETag ?? '';

/** Reads the ETag of the object. Resolves to null if there is no object. */
export const etagOf = async ({ client, Bucket, Key }: Room): Promise<string | null> => {
  try {
    return (await client.send(new HeadObjectCommand({ Bucket, Key }))).ETag ?? null;
  } catch (error) {
    if (readError(error).status === 404) return null;
    throw error;
  }
};

/**
 * Returns `yes` if the service refuses the request with one of these statuses and leaves the object as it was. A service that refuses the
 * request because it lacks the feature gets `no`.
 */
export const refuses = async (
  room: Room,
  statuses: readonly number[],
  ask: () => Promise<unknown>,
): Promise<ServiceAnswer> => {
  const before = await etagOf(room);
  try {
    await ask();
    return 'no';
  } catch (error) {
    const { status } = readError(error);
    if (status === null || status >= 500) return status === 501 ? 'no' : 'unknown';
    return statuses.includes(status) && (await etagOf(room)) === before ? 'yes' : 'no';
  }
};

/** Returns `yes` if `ask` resolves to true. `ask` makes a request, and resolves to true if the service has carried it out. */
export const accepts = async (ask: () => Promise<boolean>): Promise<ServiceAnswer> => {
  try {
    return (await ask()) ? 'yes' : 'no';
  } catch (error) {
    const { status } = readError(error);
    return status === null || (status >= 500 && status !== 501) ? 'unknown' : 'no';
  }
};
