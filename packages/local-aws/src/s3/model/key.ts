/** The versions of a key, and the record of its writes and deletes that a watch keeps. */
import type { Version } from './object.ts';

/** All versions of one key, newest first. */
export interface KeyEntry {
  key: string;
  versions: Version[];
}

/** A record of what happened to a key since the watch began. */
export interface KeyWatch {
  /** The current object was deleted. */
  deleted: boolean;
  /** An object was written. */
  written: boolean;
}
