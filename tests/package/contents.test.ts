/** The folder of which `npm run tarball` makes the tarball. `npm run cold-try` installs and uses the tarball itself. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { unpackCode } from '@s3-replicator/local-aws/lambda';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFunction } from '../../bench/function-process.ts';
import { REPOSITORY, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { ownNode } from '../../demo/own-node.ts';
import { writePackage } from '../../scripts/pack/package-folder.ts';
import { RULES_PATH as RULES } from '../../src/lib/model/rules-file.ts';
import { withFile } from '../../src/stack/zip.ts';

const folder = mkdtempSync(join(tmpdir(), 's3-replicator-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => writePackage(join(folder, 'package')));

const filesIn = (): string[] =>
  globSync('**/*', { cwd: join(folder, 'package'), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, 'package').length + 1))
    .toSorted();
const read = (file: string): Buffer => readFileSync(join(folder, 'package', file));

test('the package holds the bundles, the functions and the documents of a user, in less than 10 MB', () => {
  const kinds = filesIn().map((file) => file.replace(/^(functions|docs)\/.*\.(zip|md)$/, '$1/*.$2'));
  expect([...new Set(kinds)]).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'destination/template.yml',
    'dist/cli.mjs',
    'dist/console/page.css',
    'dist/console/page.html',
    'dist/console/page.js',
    'dist/plugin.cjs',
    'dist/stack.cjs',
    'docs/*.md',
    'docs/console.png',
    'docs/replication.schema.json',
    'events/backfill.json',
    'functions/*.zip',
    'package.json',
    'replication.yml',
    'stack.yml',
  ]);
  const bytes = filesIn().reduce((sum, file) => sum + statSync(join(folder, 'package', file)).size, 0);
  expect(bytes).toBeLessThan(10_000_000);
});

test('the package depends on nothing and runs no script while it is installed', () => {
  const manifest: Record<string, unknown> = JSON.parse(read('package.json').toString());
  expect(Object.keys(manifest).filter((name) => /dependencies|scripts/i.test(name))).toEqual([
    'devDependencies',
  ]);
  expect(manifest).toMatchObject({ private: true, engines: { node: expect.stringContaining('20.19') } });
});

test('the functions of the package become those of the repository when the same rules are added, to the byte', () => {
  const zips = filesIn().filter((file) => file.startsWith('functions/'));
  expect(zips.length).toBeGreaterThanOrEqual(5);
  for (const zip of zips) {
    const deployed = readFileSync(join(REPOSITORY, '.serverless', zip.replace('functions/', '')));
    const { [RULES]: rules } = unzipSync(deployed);
    expect(JSON.parse(Buffer.from(rules ?? []).toString()), zip).toHaveProperty('rules');
    expect(Object.keys(unzipSync(read(zip))), zip).not.toContain(RULES);
    const again = withFile(read(zip), RULES, Buffer.from(rules ?? []).toString());
    expect(Buffer.compare(again, deployed), zip).toBe(0);
  }
});

test('no function carries code of the console, which the command line has', () => {
  const mark = 'x-console-token';
  expect(read('dist/cli.mjs').toString()).toContain(mark);
  for (const zip of filesIn().filter((file) => file.startsWith('functions/')))
    for (const [name, code] of Object.entries(unzipSync(read(zip))))
      expect(Buffer.from(code).includes(mark), `${name} of ${zip}`).toBe(false);
});

test('a function reads its rules from its code, and calls nobody before its first event', async () => {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const { Resources } = JSON.parse(readFileSync(join(REPOSITORY, '.serverless', TEMPLATE_FILE), 'utf8'));
  const { Handler, Environment } = Resources.ReplicateLambdaFunction.Properties;
  const variables = Object.entries(Environment.Variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : 'http://127.0.0.1/1/x',
  ]);
  const { directory } = await unpackCode(join(REPOSITORY, '.serverless', 'replicate.zip'), folder);
  const started = await startFunction(
    { directory, handler: Handler, file: '' },
    { ...Object.fromEntries(variables), AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
  );
  expect(await started.initMs()).toBeGreaterThan(0);
  expect(calls).toEqual([]);
  // At its first event the same function calls AWS. This shows that the server above would have seen earlier calls.
  await started.invoke({ waiting: true }).catch(() => undefined);
  expect(calls).not.toEqual([]);
  await started.stop();
  server.close();
});

test('the packed console serves its page to the browser that signs in', async () => {
  writeFileSync(join(folder, 'replication.yml'), read('replication.yml'));
  const cli = join(folder, 'package', 'dist', 'cli.mjs');
  const served = spawn(ownNode(), [cli, 'console'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(served, 'exit');
  try {
    const [line] = await Promise.race([once(createInterface({ input: served.stdout }), 'line'), ended]);
    const link = String(line);
    const { headers } = await fetch(link, { redirect: 'manual' });
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
    for (const file of ['page.js', 'page.css']) {
      const answer = await fetch(new URL(`/${file}`, link), { headers: { cookie } });
      expect(await answer.text()).toContain(read(`dist/console/${file}`).toString());
    }
  } finally {
    served.kill('SIGINT');
  }
  expect(await ended).toEqual([130, null]);
});

test('no file of the package refers to the sources, and no link to a file that is not in it', () => {
  expect(read('stack.yml').toString()).not.toMatch(/esbuild|\.\/src|file\(src/);
  const files = filesIn();
  for (const file of files.filter((each) => each.endsWith('.md'))) {
    for (const [, target = ''] of read(file)
      .toString()
      .matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const path = join(file, '..', target);
      expect(
        files.some((each) => each === path || each.startsWith(`${path}/`)),
        `${file}: ${target}`,
      ).toBe(true);
    }
  }
});

test.each(['this Node', "the machine's own Node"])(
  'the packed command line needs nothing but %s',
  async (which) => {
    const node = which === 'this Node' ? process.execPath : ownNode();
    const cli = join(folder, 'package', 'dist', 'cli.mjs');
    const run = (...argv: string[]) => promisify(execFile)(node, [cli, ...argv], { cwd: folder });
    writeFileSync(join(folder, 'replication.yml'), read('replication.yml'));
    expect((await run('console', '--help')).stdout).toContain('Usage: s3-replicator console');
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run('config', 'check')).stdout).toContain('stack s3-replicator-prod');
    await expect(run('config', 'check', '--config', 'missing.yml')).rejects.toMatchObject({ code: 1 });
  },
);
