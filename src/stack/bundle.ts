/** The options with which serverless-esbuild bundles the functions. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The part of esbuild's plugin interface that this file uses. */
interface Build {
  initialOptions: { outdir?: string };
  onEnd(callback: () => void): void;
  onLoad(
    options: { filter: RegExp },
    callback: (file: { path: string }) => { contents: string; loader: 'json' },
  ): void;
}

/** The reasons for these options are in decisions/009-bundled-sdk.md. */
function bundleOptions(): object {
  process.once('exit', removeTemporaryFolders);
  return {
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // Names are not minified, so that stack traces stay readable without source maps.
    minifyWhitespace: true,
    minifySyntax: true,
    // The SDK is bundled: the runtime's copy takes longer to load, and its version changes without notice.
    exclude: [],
    mainFields: ['module', 'main'],
    alias: {
      '@aws-sdk/credential-provider-node': replacement('environment-credentials.ts'),
      '@aws-lambda-powertools/jmespath': replacement('no-jmespath.ts'),
      '@aws-lambda-powertools/jmespath/functions': replacement('no-jmespath.ts'),
    },
    legalComments: 'none',
    // CommonJS has another name for the folder of a module.
    define: { 'import.meta.dirname': '__dirname' },
    plugins: [commonJsFolder, versionsOnly],
  };
}

/** Returns the path of a file of ours that takes the place of a library in the bundles. */
const replacement = (name: string): string => fileURLToPath(import.meta.resolve(`../lib/aws/${name}`));

/** To pack a function, the bundler copies it into a temporary folder that is named after this process, and leaves the folder there. */
const removeTemporaryFolders = (): void => {
  const ours = new RegExp(`-${process.pid}-\\d+-[0-9a-f]{8}$`);
  for (const name of readdirSync(tmpdir()).filter((each) => ours.test(each)))
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
};

/**
 * Writes a package.json beside the bundle. This file declares that the bundle's .js files are CommonJS. The code may be unpacked in a folder
 * inside this project (`npm run local -- --directory`). Without the additional file, the project's own package.json would apply and declare
 * the .js files to be ES modules.
 */
const commonJsFolder = {
  name: 'commonjs-folder',
  setup: ({ initialOptions, onEnd }: Build) =>
    onEnd(() => {
      if (initialOptions.outdir === undefined) return;
      writeFileSync(join(initialOptions.outdir, 'package.json'), '{"type":"commonjs"}');
    }),
};

/**
 * The clients of the SDK read only the version in their package.json, for the User-Agent. The complete files would take 3 KB of
 * each zip.
 */
const versionsOnly = {
  name: 'versions-only',
  setup: ({ onLoad }: Build) =>
    onLoad({ filter: /@aws-sdk\/client-[^/]+\/package\.json$/ }, ({ path }) => {
      const { name, version } = JSON.parse(readFileSync(path, 'utf8'));
      return { contents: JSON.stringify({ name, version }), loader: 'json' };
    }),
};

// The bundler plugin loads this file with `require`. Because of this export's name, `require` returns the function instead of the
// module.
export { bundleOptions as 'module.exports' };
