import type { ObjectState } from '../../model/ports.ts';
import type { Transfer } from './transfer.ts';

/** Does the transfer move this very version? An ETag comes back with the same bytes; the time does not, or seldom. */
export const isOfVersion = (
  { version }: Pick<Transfer, 'version'>,
  state: Pick<ObjectState, 'versionId' | 'etag' | 'sizeBytes' | 'lastModifiedMs'>,
): boolean =>
  version.versionId === state.versionId &&
  version.etag === state.etag &&
  version.sizeBytes === state.sizeBytes &&
  version.lastModifiedMs === state.lastModifiedMs;
