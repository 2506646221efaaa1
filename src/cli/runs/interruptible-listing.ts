import { ReplicationError } from '../../lib/model/errors.ts';
import { createPace } from '../../lib/listing/pace.ts';
import type { ListedVersion, ListPage } from '../../lib/listing/page.ts';
import { patientListing } from '../../lib/listing/patient-listing.ts';
import type { CliIo } from '../terminal/io.ts';

/** Makes listings that retry after a pause, share one pace, and fail soon after Ctrl-C. */
export const interruptibleListings = (
  io: Pick<CliIo, 'interrupted' | 'now' | 'sleep'>,
  requestsAtOnce: number,
): ((listPage: ListPage<ListedVersion>) => ListPage<ListedVersion>) => {
  const pace = createPace({ clock: io, most: requestsAtOnce });
  return (listPage) => {
    const untilInterrupted: ListPage<ListedVersion> = async (request) => {
      // After the interruption sleep returns at once, so a throttled page would be requested again without a pause.
      if (io.interrupted.aborted) throw new ReplicationError('out-of-time', 'interrupted');
      return await listPage(request);
    };
    return patientListing(untilInterrupted, { clock: io, pace });
  };
};
