/** The versions of a key, and the watch that records what happens to the key. */
import type { Version } from './object.ts';

/** All versions of one key, newest first. */
export interface KeyEntry {
  key: string;
  versions: Version[];
}

/** A record of what happened to a key since the watch began. */
export interface KeyWatch {
  /** True if the current object was deleted. */
  deleted: boolean;
  /** True if an object was written. */
  written: boolean;
}
