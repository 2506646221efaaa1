/** How serverless-esbuild makes the functions' bundles. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfiguration } from '../lib/configuration/configuration.ts';
import type { DeploymentOptions } from '../lib/configuration/configuration.ts';

/** The part of esbuild's plugin interface that is used here. */
interface Build {
  initialOptions: { outdir?: string };
  onEnd(callback: () => void): void;
  onResolve(options: { filter: RegExp }, callback: () => { path: string; namespace: string }): void;
  onLoad(
    options: { filter: RegExp; namespace: string },
    callback: () => { contents: string; loader: 'js' },
  ): void;
}

/** The part of the framework's interface that the bundler receives. */
interface Serverless {
  processedInput: { options: DeploymentOptions };
}

/** esbuild options, measured in bench: see decisions. */
function bundleOptions(serverless: Serverless): object {
  const { stage, region } = serverless.processedInput.options;
  return {
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // Names stay readable in stack traces; without source maps nothing else would make them so.
    minifyWhitespace: true,
    minifySyntax: true,
    // The SDK is bundled: loading it from the runtime takes longer and changes without notice.
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

/**
 * Says beside the bundle that it is CommonJS: `serverless invoke local` loads it from below this project, whose own
 * package.json says that .js files are ES modules.
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

// The name under which `require` hands out the function itself: the bundler plugin loads this file so.
export { bundleOptions as 'module.exports' };
