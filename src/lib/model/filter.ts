/** Applies the filter of a rule to the current size and tags of an object. */
import type { ObjectState, Tags } from './ports.ts';
import type { Filter } from './rule.ts';

export const sizeIsWanted = (
  { minimumBytes, maximumBytes }: Filter,
  { sizeBytes }: Pick<ObjectState, 'sizeBytes'>,
): boolean => sizeBytes >= (minimumBytes ?? 0) && sizeBytes <= (maximumBytes ?? Infinity);

/** Returns true if the object has every tag of the filter, with the same value. */
export const tagsAreWanted = (filter: Filter, tags: Tags): boolean =>
  Object.entries(filter.tags).every(([name, value]) => tags[name] === value);

/** Returns true if the filter selects objects by their tags, so that the tags have to be read. */
export const asksForTags = (filter: Filter): boolean => Object.keys(filter.tags).length > 0;
