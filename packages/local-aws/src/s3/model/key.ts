/** The versions of a key, and what a watch saw happen to it. */
import type { Version } from './object.ts';

/** All versions of one key, newest first. */
export interface KeyEntry {
  key: string;
  versions: Version[];
}

/** What happened to a key since the watch began. */
export interface KeyWatch {
  /** The current object was deleted. */
  deleted: boolean;
  /** An object was written. */
  written: boolean;
}
