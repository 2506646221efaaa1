/**
 * Reads a source version. If the body will probably be needed, it is read with the same request. Most objects then need one
 * request instead of two.
 */
import type { Readable } from 'node:stream';
import { inOneBuffer } from '../copy/in-one-buffer.ts';
import { inPairs } from '../copy/in-pairs.ts';
import type { Way } from '../copy/part-layout.ts';
import type { ObjectState } from '../model/ports.ts';
import type { ConvergeContext } from './context.ts';

/**
 * Maximum size of a body that is held in memory, so that a write can be repeated without another read. Larger bodies take less
 * CPU as streams, because V8 does not free larger buffers soon after their use.
 */
const HELD_BYTES = 64 * 1024;

export interface OpenedVersion {
  version: ObjectState;
  /** The body of this version: a buffer if the body is small, otherwise a stream; null: the body was not requested. */
  opened: Readable | Buffer | null;
}

/**
 * Reads a version, or the current version if `versionId` is null. If the function moves the bytes, the body is read too. Resolves
 * to null if the version does not exist. The bucket certainly exists in that case.
 */
export const openVersion = async (
  context: ConvergeContext,
  key: string,
  versionId: string | null,
  way: Way = 'stream',
): Promise<OpenedVersion | null> => {
  if (way === 'server-side') {
    const version = await headOf(context, key, versionId);
    if (version !== null) return { version, opened: null };
    // The response to HEAD has no body, so it does not show whether the bucket or only the version is missing. GET does.
  }
  return await getWithBody(context, key, versionId);
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

const getWithBody = async (
  context: ConvergeContext,
  key: string,
  versionId: string | null,
): Promise<OpenedVersion | null> =>
  await inPairs(context, async () => {
    const found = await context.source.open(key, versionId);
    if (found === null) return null;
    const { state: version, body } = found;
    if (version.sizeBytes > HELD_BYTES) return { version, opened: body };
    return { version, opened: await inOneBuffer(body, version.sizeBytes) };
  });
