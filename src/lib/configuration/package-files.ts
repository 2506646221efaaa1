/** The files that belong to the product. They have the same places in the repository and in the package that `npm run tarball` makes. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Returns the path of a file of the product, e.g. `destination/template.yml`. */
export const productFile = (name: string): string => join(productFolder(import.meta.dirname), name);

/** Returns the version in package.json. */
export const productVersion = (): string => inManifest('version');

/** Returns the name under which the product is installed in `node_modules`. */
export const productName = (): string => inManifest('name');

/** Returns the package of the Serverless Framework with which this version was tested, e.g. `npm:osls@4.3.1`. */
export const frameworkPackage = (): string => inManifest('devDependencies', 'serverless');

const inManifest = (...path: string[]): string => {
  let value: unknown = JSON.parse(readFileSync(productFile('package.json'), 'utf8'));
  for (const name of path)
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof value === 'string' ? value : 'unknown';
};

/**
 * Finds the folder of the product. A bundle is in another folder than its sources, so package.json is searched in this folder and
 * all folders above.
 */
const productFolder = (folder: string): string =>
  existsSync(join(folder, 'package.json')) ? folder : productFolder(dirname(folder));
