/**
 * Decides which objects a rule replicates, by key, size and tags. Live replication, runs, estimates and `explain` all use these
 * functions. A listing shows no tags, so one function decides by key and size alone, and another one also by the tags.
 */
import type { Tags } from './ports.ts';
import type { Exclusion, Filter, ReplicationRule } from './rule.ts';

/** What a listing shows of a source object. */
export interface SeenObject {
  key: string;
  sizeBytes: number;
}

type Selection = Pick<ReplicationRule, 'exclude' | 'filter'>;

/** Returns true if the source of the rule has this key. Prefix and suffix are plain strings, as in S3 event notifications. */
export const ruleCovers = ({ source }: ReplicationRule, bucket: string, key: string): boolean =>
  source.bucket === bucket && keyFits(source, key);

/** Returns true if the rule may replicate objects of this key. */
export const ruleWants = (rule: ReplicationRule, bucket: string, key: string): boolean =>
  ruleCovers(rule, bucket, key) && keyIsWanted(rule, key);

/** Returns false if the rule leaves out all objects with this key. */
const keyIsWanted = ({ exclude }: Pick<ReplicationRule, 'exclude'>, key: string): boolean =>
  !exclude.some((line) => !hasTags(line) && !hasSizes(line) && keyFits(line, key));

/** Returns false if key and size are enough to leave out the object. Tags are not considered. */
export const listedIsWanted = ({ filter, exclude }: Selection, object: SeenObject): boolean =>
  sizeFits(filter, object) &&
  !exclude.some((line) => !hasTags(line) && keyFits(line, object.key) && sizeFits(line, object));

/** Returns true if the rule replicates the object. */
export const isWanted = ({ filter, exclude }: Selection, object: SeenObject, tags: Tags): boolean =>
  sizeFits(filter, object) &&
  tagsFit(filter, tags) &&
  !exclude.some((line) => exclusionFits(line, object, tags));

/** Returns true if the line of `exclude` leaves out the object. */
export const exclusionFits = (line: Exclusion, object: SeenObject, tags: Tags): boolean =>
  keyFits(line, object.key) && sizeFits(line, object) && tagsFit(line, tags);

/** Returns true if the rule selects objects by their tags, so that the tags have to be read. */
export const asksForTags = ({ filter, exclude }: Selection): boolean =>
  hasTags(filter) || exclude.some(hasTags);

/** Returns true if the rule selects objects by their sizes. */
export const asksForSizes = ({ filter, exclude }: Selection): boolean =>
  hasSizes(filter) || exclude.some(hasSizes);

export const keyFits = ({ prefix, suffix }: Pick<Exclusion, 'prefix' | 'suffix'>, key: string): boolean =>
  key.startsWith(prefix) && key.endsWith(suffix);

export const sizeFits = (
  { minimumBytes, maximumBytes }: Pick<Filter, 'maximumBytes' | 'minimumBytes'>,
  { sizeBytes }: Pick<SeenObject, 'sizeBytes'>,
): boolean => sizeBytes >= (minimumBytes ?? 0) && sizeBytes <= (maximumBytes ?? Infinity);

/** Returns true if the object has all of these tags, with the same values. */
export const tagsFit = (wanted: Pick<Filter, 'tags'>, tags: Tags): boolean =>
  Object.entries(wanted.tags).every(([name, value]) => tags[name] === value);

const hasTags = ({ tags }: Filter): boolean => Object.keys(tags).length > 0;

const hasSizes = ({ minimumBytes, maximumBytes }: Filter): boolean =>
  minimumBytes !== null || maximumBytes !== null;
