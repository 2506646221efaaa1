import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file that only the root of this package has. */
const MARK = join('destination', 'template.yml');

/** Returns the path of a file of this package, whether the program runs from its sources or bundled. */
export const packageFile = (name: string): string => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, MARK))) {
    if (dirname(folder) === folder) throw new Error(`no folder above ${import.meta.dirname} has ${MARK}`);
    folder = dirname(folder);
  }
  return join(folder, name);
};
