/** The files that belong to the product. They have the same places in the repository and in the package that `npm run pack` makes. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Returns the path of a file of the product, e.g. `destination/template.yml`. */
export const productFile = (name: string): string => join(productFolder(import.meta.dirname), name);

/** Returns the version in package.json. */
export const productVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(productFile('package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
};

/** A bundle stands in another folder than its sources. Therefore the folder of package.json is looked for upwards. */
const productFolder = (folder: string): string =>
  existsSync(join(folder, 'package.json')) ? folder : productFolder(dirname(folder));
