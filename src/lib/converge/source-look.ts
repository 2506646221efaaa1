/** Reads a version of the source, with its body where it is likely to be needed: one call instead of two for most objects. */
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ReplicationError } from '../model/errors.ts';
import type { ObjectState } from '../model/ports.ts';
import { inPairs } from '../copy/in-pairs.ts';
import type { Way } from '../copy/part-layout.ts';
import type { ConvergeContext } from './convergence.ts';

/**
 * Bodies up to this are held in memory, so that a write can be tried again without reading again. Larger ones take less CPU as
 * streams: V8 does not collect a buffer of that size while it is young.
 */
const HELD_BYTES = 64 * 1024;

export interface SourceLook {
  version: ObjectState;
  /** The body of this version: small ones whole, larger ones as they come; null when it was not asked for. */
  opened: Readable | Buffer | null;
}

/**
 * A version, or the current one (`versionId` null), with its body where the function is to move it. Null: it is not there, and nor is
 * the bucket in doubt.
 */
export const openVersion = async (
  context: ConvergeContext,
  key: string,
  versionId: string | null,
  way: Way = 'stream',
): Promise<SourceLook | null> => {
  if (way === 'server-side') {
    const version = await headOf(context, key, versionId);
    if (version !== null) return { version, opened: null };
    // HEAD has no body to say that the bucket is gone: GET must.
  }
  return await get(context, key, versionId);
};

const headOf = async (
  { source }: ConvergeContext,
  key: string,
  versionId: string | null,
): Promise<ObjectState | null> => {
  if (versionId !== null) return await source.head(key, versionId);
  const now = await source.look(key);
  return now.kind === 'object' ? now.state : null;
};

const get = async (
  context: ConvergeContext,
  key: string,
  versionId: string | null,
): Promise<SourceLook | null> =>
  await inPairs(context, async () => {
    const found = await context.source.open(key, versionId);
    if (found === null) return null;
    const { state: version, body } = found;
    if (version.sizeBytes > HELD_BYTES) return { version, opened: body };
    return { version, opened: await wholeBody(body, version.sizeBytes) };
  });

/** Lets go of a body that was not used up. */
export const close = ({ opened }: SourceLook): void => {
  if (opened !== null && !Buffer.isBuffer(opened)) opened.destroy();
};

/** Into one buffer of its size: collecting the chunks first and joining them then takes more CPU than all the rest of a copy. */
const wholeBody = async (body: Readable, sizeBytes: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes);
  let length = 0;
  body.on('data', (chunk: Buffer) => {
    // Copies as much as there is room for.
    chunk.copy(bytes, length);
    length += chunk.length;
  });
  await finished(body).catch((cause: unknown) => {
    throw new ReplicationError('connection-lost', 'the source body broke off', { cause });
  });
  if (length === sizeBytes) return bytes;
  throw new ReplicationError('connection-lost', `the source body had ${length} of ${sizeBytes} bytes`);
};
