/** Packages the stack with the Serverless Framework, for the repository's configuration or another one. */
import { resolve } from 'node:path';
import { runServerless } from './serverless.ts';
import type { ServerlessOptions } from './serverless.ts';

export { REPOSITORY } from './serverless.ts';

export interface PackageOptions extends ServerlessOptions {
  /**
   * The folder for the files that `serverless deploy` would upload: the templates, and one zip for each function. The folder is created if
   * it does not exist.
   */
  outDirectory: string;
}

/** The file name of the stack's template in `outDirectory`. */
export const TEMPLATE_FILE = 'cloudformation-template-update-stack.json';

/** @throws Error with the output of the framework */
export const packageStack = async ({ outDirectory, ...options }: PackageOptions): Promise<void> => {
  await runServerless(['package', '--package', resolve(outDirectory)], options);
};
