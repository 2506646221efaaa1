/** The files that a user's folder needs beside `replication.yml` to deploy the installed package. */
import { frameworkPackage, productName } from '../../lib/configuration/package-files.ts';

/** Returns the content of serverless.yml. The Serverless Framework looks for it in the current folder only, so it cannot stay in the package. */
export const serverlessFile = (): string => {
  const value = (name: string): string =>
    `${name}: \${file(node_modules/${productName()}/stack.yml):${name}}`;
  return [
    `# The stack comes from the package ${productName()}. Edit replication.yml, not this file.`,
    value('service'),
    'configValidationMode: error',
    ...['provider', 'functions', 'resources', 'package'].map(value),
    'plugins:',
    `  - ${productName()}`,
    '',
  ].join('\n');
};

/**
 * Returns the content of package.json with the Serverless Framework in it. `existing` is the content of the file that `npm install` has
 * made, or null. All existing fields stay. If `existing` already names a framework, returns `existing` itself.
 *
 * @throws SyntaxError if `existing` is not JSON
 */
export const packageFile = (existing: string | null): string => {
  const manifest: unknown = existing === null ? { private: true } : JSON.parse(existing);
  if (typeof manifest !== 'object' || manifest === null)
    throw new SyntaxError('package.json holds no object');
  const groups = ['dependencies', 'devDependencies'].map((name) => objectIn(manifest, name));
  if (existing !== null && groups.some((group) => 'serverless' in group)) return existing;
  const devDependencies = { ...objectIn(manifest, 'devDependencies'), serverless: frameworkPackage() };
  return `${JSON.stringify({ ...manifest, devDependencies }, null, 2)}\n`;
};

const objectIn = (manifest: object, name: string): object => {
  const value: unknown = Reflect.get(manifest, name);
  return typeof value === 'object' && value !== null ? value : {};
};
