import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { packageFile, serverlessFile } from '../../src/cli/init/project-files.ts';

test('the serverless.yml of a user has at most 20 lines and names only values that stack.yml has', () => {
  const text = serverlessFile();
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  const stack: object = parse(readFileSync('serverless.yml', 'utf8'));
  const taken = [...text.matchAll(/^(\w+): \$\{file\(node_modules\/s3-replicator\/stack\.yml\):(\w+)\}$/gm)];
  // The other fields of serverless.yml. They build the functions, or the user's file has them written out.
  const own = ['configValidationMode', 'plugins', 'custom'];
  expect([...taken.map(([, name]) => name), ...own].toSorted()).toEqual(Object.keys(stack).toSorted());
  expect(taken.filter(([, name, value]) => name !== value)).toEqual([]);
});

const FRAMEWORK: unknown = JSON.parse(readFileSync('package.json', 'utf8')).devDependencies.serverless;

test('package.json gets the framework with which this version was tested, and keeps everything else', () => {
  expect(JSON.parse(packageFile(null))).toEqual({
    private: true,
    devDependencies: { serverless: FRAMEWORK },
  });
  const installed = { name: 'ours', dependencies: { 's3-replicator': 'file:s3-replicator-0.1.0.tgz' } };
  expect(JSON.parse(packageFile(JSON.stringify(installed)))).toEqual({
    ...installed,
    devDependencies: { serverless: FRAMEWORK },
  });
});

test.each(['dependencies', 'devDependencies'])(
  'a package.json with a framework in its %s stays as it is, to the byte',
  (group) => {
    const existing = `{ "${group}": {"serverless":"npm:osls@4.0.0"} }`;
    expect(packageFile(existing)).toBe(existing);
  },
);
