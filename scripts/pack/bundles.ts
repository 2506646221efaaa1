/** Bundles the code that runs on the machines of users: the command line, and the files that the Serverless Framework loads. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { PAGE_BUILD } from '../../src/cli/console/page-files.ts';

const ROOT = join(import.meta.dirname, '../..');

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // Names are not minified, so that stack traces stay readable.
  minifyWhitespace: true,
  minifySyntax: true,
  mainFields: ['module', 'main'],
  legalComments: 'none',
  absWorkingDir: ROOT,
  metafile: true,
} as const satisfies BuildOptions;

/** CommonJS packages in the bundle load modules of Node with `require`, which an ES module does not have. */
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module';const require = requireFrom(import.meta.url);";

/** Writes the bundles into the folder. Returns their contents. */
export const bundleForUsers = async (folder: string): Promise<Metafile[]> => {
  const cli = build({
    ...COMMON,
    format: 'esm',
    banner: { js: REQUIRE },
    // In the package the page of the console is built already. Only the repository builds the page at each start.
    external: ['esbuild'],
    entryPoints: ['scripts/pack/cli.mjs'],
    outfile: join(folder, 'cli.mjs'),
  });
  const plugin = build({
    ...COMMON,
    format: 'cjs',
    // CommonJS has a different name for the folder of a module. A bundle contains no TypeScript, so it does not need a Node that runs
    // TypeScript.
    define: { 'import.meta.dirname': '__dirname', 'process.features.typescript': 'true' },
    entryPoints: ['scripts/pack/plugin.cjs'],
    outfile: join(folder, 'plugin.cjs'),
  });
  const page = build({ ...PAGE_BUILD, absWorkingDir: ROOT, metafile: true, outdir: join(folder, 'console') });
  const built = await Promise.all([cli, plugin, page]);
  for (const file of ['page.html', 'page.css'])
    copyFileSync(join(ROOT, 'src/cli/console/page', file), join(folder, 'console', file));
  copyFileSync(join(ROOT, 'scripts/pack/stack.cjs'), join(folder, 'stack.cjs'));
  return built.map(({ metafile }) => metafile);
};
