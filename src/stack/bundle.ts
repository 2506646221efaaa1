/** The options with which serverless-esbuild bundles the functions. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfiguration } from '../lib/configuration/configuration.ts';
import type { DeploymentOptions } from '../lib/configuration/configuration.ts';

/** The part of esbuild's plugin interface that this file uses. */
interface Build {
  initialOptions: { outdir?: string };
  onEnd(callback: () => void): void;
  onResolve(options: { filter: RegExp }, callback: () => { path: string; namespace: string }): void;
  onLoad(
    options: { filter: RegExp; namespace: string },
    callback: () => { contents: string; loader: 'js' },
  ): void;
}

/** The part of the Serverless framework's interface that the bundler plugin receives. */
interface Serverless {
  processedInput: { options: DeploymentOptions };
}

/** The reasons for these options are in decisions/009-bundled-sdk.md. */
function bundleOptions(serverless: Serverless): object {
  process.once('exit', removeTemporaryFolders);
  const { stage, region } = serverless.processedInput.options;
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
      '@aws-sdk/credential-provider-node': fileURLToPath(
        import.meta.resolve('../lib/aws/environment-credentials.ts'),
      ),
    },
    legalComments: 'none',
    plugins: [
      replicationConfiguration({ stage: stage ?? undefined, region: region ?? undefined }),
      commonJsFolder,
    ],
  };
}

/** To pack a function, the bundler copies it into a temporary folder that is named after this process, and leaves the folder there. */
const removeTemporaryFolders = (): void => {
  const ours = new RegExp(`-${process.pid}-\\d+-[0-9a-f]{8}$`);
  for (const name of readdirSync(tmpdir()).filter((each) => ours.test(each)))
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
};

/**
 * Writes a package.json beside the bundle. This file declares that the bundle's .js files are CommonJS. `serverless invoke local`
 * loads the bundle from a folder inside this project. Without the additional file, the project's own package.json would apply and
 * declare the .js files to be ES modules.
 */
const commonJsFolder = {
  name: 'commonjs-folder',
  setup: ({ initialOptions, onEnd }: Build) =>
    onEnd(() => {
      if (initialOptions.outdir === undefined) return;
      writeFileSync(join(initialOptions.outdir, 'package.json'), '{"type":"commonjs"}');
    }),
};

/** Resolves `replication-configuration` to the validated content of `replication.yml`. */
const replicationConfiguration = (options: DeploymentOptions) => ({
  name: 'replication-configuration',
  setup: (build: Build) => {
    const namespace = 'replication-configuration';
    build.onResolve({ filter: /^replication-configuration$/ }, () => ({
      path: 'replication.yml',
      namespace,
    }));
    build.onLoad({ filter: /.*/, namespace }, () => {
      const { replication } = loadConfiguration('replication.yml', options);
      return { contents: `export const configuration = ${JSON.stringify(replication)};`, loader: 'js' };
    });
  },
});

// The bundler plugin loads this file with `require`. Because of this export's name, `require` returns the function instead of the
// module.
export { bundleOptions as 'module.exports' };
