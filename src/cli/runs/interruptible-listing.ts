import { ReplicationError } from '../../lib/model/errors.ts';
import { createPace } from '../../lib/listing/pace.ts';
import type { ListedVersion, ListPage } from '../../lib/listing/page.ts';
import { patientListing } from '../../lib/listing/patient-listing.ts';
import type { CliIo } from '../terminal/io.ts';

/** Makes listings that wait and try again, at one pace for all, and that fail soon when Ctrl-C is pressed. */
export const interruptibleListings = (
  io: Pick<CliIo, 'interrupted' | 'now' | 'sleep'>,
  requestsAtOnce: number,
): ((listPage: ListPage<ListedVersion>) => ListPage<ListedVersion>) => {
  const pace = createPace({ clock: io, most: requestsAtOnce });
  return (listPage) => {
    const untilInterrupted: ListPage<ListedVersion> = async (request) => {
      // Sleep ends at once from then on: a throttled page would be asked for without a rest.
      if (io.interrupted.aborted) throw new ReplicationError('out-of-time', 'interrupted');
      return await listPage(request);
    };
    return patientListing(untilInterrupted, { clock: io, pace });
  };
};
