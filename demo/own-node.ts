import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Returns the folders of the search path, without the folders that npm adds in front while a script runs. */
export const ownPath = (): string[] =>
  (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !/node_modules|node-gyp-bin/.test(folder));

/** Returns the Node that is installed on this machine. The scripts of the repository run with the Node from `node_modules`. */
export const ownNode = (): string =>
  ownPath()
    .map((folder) => join(folder, 'node'))
    .find(existsSync) ?? process.execPath;
