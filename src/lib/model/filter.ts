/** Applies the filter of a rule: to the size and tags that an object has now. */
import type { ObjectState, Tags } from './ports.ts';
import type { Filter } from './rule.ts';

export const sizeIsWanted = (
  { minimumBytes, maximumBytes }: Filter,
  { sizeBytes }: Pick<ObjectState, 'sizeBytes'>,
): boolean => sizeBytes >= (minimumBytes ?? 0) && sizeBytes <= (maximumBytes ?? Infinity);

/** True: the object has every tag of the filter with its value. */
export const tagsAreWanted = (filter: Filter, tags: Tags): boolean =>
  Object.entries(filter.tags).every(([name, value]) => tags[name] === value);

/** True: the filter cannot be applied without knowing the tags. */
export const asksForTags = (filter: Filter): boolean => Object.keys(filter.tags).length > 0;
