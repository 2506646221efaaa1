/** The files of the package that are not bundles: manifest, stack, functions and documents. */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { RULES_PATH } from '../../src/lib/model/rules-file.ts';
import { withoutFile } from '../../src/stack/zip.ts';

const ROOT = join(import.meta.dirname, '../..');

const MANIFEST = z.object({
  name: z.string(),
  version: z.string(),
  private: z.literal(true),
  description: z.string(),
  license: z.string(),
  devDependencies: z.object({ serverless: z.string() }),
});

/** Returns name and version of the package. */
export const manifest = (): z.infer<typeof MANIFEST> =>
  MANIFEST.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));

/**
 * Writes package.json. Everything is bundled, so there are no dependencies. The development dependency is never installed with the package.
 * It names the framework with which this version was tested, and `init` writes that framework into the user's package.json.
 */
export const writeManifest = (folder: string): void => {
  const own = {
    ...manifest(),
    bin: { 's3-replicator': 'dist/cli.mjs' },
    main: 'dist/plugin.cjs',
    engines: { node: '^20.19.0 || ^22.13.0 || >=24' },
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
};

/**
 * Writes stack.yml. It is serverless.yml with values from the package, and without the settings that only serve to build the
 * functions.
 */
export const writeStack = (folder: string): void => {
  const text = readFileSync(join(ROOT, 'serverless.yml'), 'utf8');
  const values = `node_modules/${manifest().name}/dist/stack.cjs`;
  const stack = parseDocument(text.replaceAll('src/stack/serverless.cjs', values));
  stack.commentBefore = ' The stack, to which the serverless.yml of a user refers.';
  stack.delete('plugins');
  stack.delete('custom');
  writeFileSync(join(folder, 'stack.yml'), stack.toString({ lineWidth: 0 }));
};

/** Copies the zips that `serverless package` has made, and removes the rules from them. */
export const copyFunctions = (folder: string): void => {
  const zips = globSync('.serverless/*.zip', { cwd: ROOT }).toSorted();
  if (zips.length === 0) throw new Error('there are no zips in .serverless: run `npm run package` first');
  mkdirSync(join(folder, 'functions'), { recursive: true });
  for (const zip of zips) {
    const code = withoutFile(readFileSync(join(ROOT, zip)), RULES_PATH);
    writeFileSync(join(folder, 'functions', basename(zip)), code);
  }
};

const DOCUMENTS = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'replication.yml',
  'destination/template.yml',
  'events/backfill.json',
  'docs/*.md',
  'docs/replication.schema.json',
  'docs/console.png',
];

/** Copies the documents. A link to a file that is not in the package becomes plain text. */
export const copyDocuments = (folder: string): void => {
  const files = globSync(DOCUMENTS, { cwd: ROOT }).toSorted();
  for (const file of files) {
    const content = readFileSync(join(ROOT, file));
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(
      join(folder, file),
      file.endsWith('.md') ? withoutDeadLinks(content.toString(), dirname(file), files) : content,
    );
  }
};

const withoutDeadLinks = (text: string, from: string, files: readonly string[]): string =>
  text.replaceAll(
    /\[([^\]]+)\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g,
    (link, shown: string, target: string) => {
      const path = normalize(join(from, target));
      return files.some((file) => file === path || dirname(file) === path) ? link : shown;
    },
  );
