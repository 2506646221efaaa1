/** Sends a GET of an object, either to read its bytes, or to find the cause of a HEAD that failed without one. */
import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ReplicationError } from '../../../model/errors.ts';
import { isBodiless400, isRangeRefused, isVersionGone } from '../../errors.ts';
import { withPauses } from '../../with-pauses.ts';
import { call, type CallOptions, type Target } from '../client/call.ts';
import { withHeaders } from '../client/command-hooks.ts';

export type GetInput = ConstructorParameters<typeof GetObjectCommand>[0];

export const getObject = async (
  target: Target,
  input: GetInput,
  onError?: CallOptions['onError'],
): Promise<GetObjectCommandOutput> => {
  // The header is set instead of the field ChecksumMode, because with that field the SDK would compute the checksum in JavaScript.
  const command = withHeaders(new GetObjectCommand(input), { 'x-amz-checksum-mode': 'ENABLED' });
  return await call(target, 'GetObject', (client, options) => client.send(command, options), {
    single: true,
    ...(onError && { onError }),
  });
};

export const bodyOf = (target: Target, answer: GetObjectCommandOutput): Readable => {
  const body = answer.Body as Readable | undefined;
  if (body === undefined) throw new ReplicationError('service-error', 'GetObject: the answer has no body');
  // Without a listener, a broken connection would end the process. The reader of the body adds its own listener later.
  body.on('error', () => undefined);
  target.clients.earlyCollection.watch(body);
  return body;
};

/**
 * Sends a HEAD. The response to HEAD has no body, so a 400 does not show its cause: SSE-C, expired credentials, a wrong region, or a
 * passing fault of a server in between. A GET of the same object shows the cause, and its error is thrown. If the GET succeeds, or also
 * fails without a cause, the HEAD is sent again after a pause, with new credentials. If the 400 remains, the error has the reason
 * `invalid-request`.
 */
export const headOrReason = async <T>(
  target: Target,
  head: () => Promise<T>,
  object: GetInput,
  onError?: CallOptions['onError'],
): Promise<T> =>
  await withPauses(head, async (error) => {
    if (!isWithoutReason(error)) return false;
    await askWhy(target, object, onError);
    target.clients.forget(target.pair());
    return true;
  });

const askWhy = async (target: Target, object: GetInput, onError?: CallOptions['onError']): Promise<void> => {
  try {
    await readLittle(target, object, onError);
  } catch (error) {
    // If the object is gone, this error is not needed: the next HEAD shows whether a delete marker has taken its place.
    const isGone = error instanceof ReplicationError && isVersionGone(error.cause);
    if (!isGone && !isWithoutReason(error)) throw error;
  }
};

const readLittle = async (
  target: Target,
  object: GetInput,
  onError?: CallOptions['onError'],
): Promise<void> => {
  const read = async (input: GetInput): Promise<void> =>
    void bodyOf(target, await getObject(target, input, onError)).destroy();
  try {
    await read({ ...object, Range: 'bytes=0-0' });
  } catch (error) {
    // An empty object has no range.
    if (!(error instanceof ReplicationError) || !isRangeRefused(error.cause)) throw error;
    await read(object);
  }
};

const isWithoutReason = (error: unknown): boolean =>
  error instanceof ReplicationError && isBodiless400(error.cause);
