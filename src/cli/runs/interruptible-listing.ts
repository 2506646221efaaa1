import { ReplicationError } from '../../lib/model/errors.ts';
import { createPace } from '../../lib/listing/pace.ts';
import type { ListedVersion, ListPage } from '../../lib/listing/page.ts';
import { patientListing } from '../../lib/listing/patient-listing.ts';
import type { CliIo } from '../terminal/io.ts';

/**
 * Returns a function that makes listings interruptible. These listings retry a failed page after a pause, share one pace, and fail soon
 * after Ctrl-C.
 */
export const interruptibleListings = (
  io: Pick<CliIo, 'interrupted' | 'now' | 'sleep'>,
  requestsAtOnce: number,
): ((listPage: ListPage<ListedVersion>) => ListPage<ListedVersion>) => {
  const pace = createPace({ clock: io, most: requestsAtOnce });
  return (listPage) => {
    const untilInterrupted: ListPage<ListedVersion> = async (request) => {
      // After an interruption `sleep` returns at once. Without this check, a throttled page would be requested again and again without a
      // pause.
      if (io.interrupted.aborted) throw new ReplicationError('out-of-time', 'interrupted');
      return await listPage(request);
    };
    return patientListing(untilInterrupted, { clock: io, pace });
  };
};
