/** Which objects a rule is for, besides their keys: by size and by tags, as they are now. */
import type { ObjectState, Tags } from './ports.ts';
import type { Filter } from './rule.ts';

/** Does the size alone rule it out? */
export const sizeIsWanted = (
  { minimumBytes, maximumBytes }: Filter,
  { sizeBytes }: Pick<ObjectState, 'sizeBytes'>,
): boolean => sizeBytes >= (minimumBytes ?? 0) && sizeBytes <= (maximumBytes ?? Infinity);

/** Every tag the rule names must be there with its value. */
export const tagsAreWanted = (filter: Filter, tags: Tags): boolean =>
  Object.entries(filter.tags).every(([name, value]) => tags[name] === value);

/** Must the tags be known to decide? */
export const asksForTags = (filter: Filter): boolean => Object.keys(filter.tags).length > 0;
