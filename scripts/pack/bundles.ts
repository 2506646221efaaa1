/** Bundles the code that runs on the machines of users: the command line, and the files that the Serverless Framework loads. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';

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
    entryPoints: ['scripts/pack/cli.mjs'],
    outfile: join(folder, 'cli.mjs'),
  });
  const plugin = build({
    ...COMMON,
    format: 'cjs',
    // CommonJS has another word for the folder of a module, and a bundle needs no Node that runs TypeScript.
    define: { 'import.meta.dirname': '__dirname', 'process.features.typescript': 'true' },
    entryPoints: ['scripts/pack/plugin.cjs'],
    outfile: join(folder, 'plugin.cjs'),
  });
  const built = await Promise.all([cli, plugin]);
  copyFileSync(join(ROOT, 'scripts/pack/stack.cjs'), join(folder, 'stack.cjs'));
  return built.map(({ metafile }) => metafile);
};
