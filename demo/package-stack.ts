/** Packages the stack with the real framework, for the repository's configuration or another one. */
import { resolve } from 'node:path';
import { runServerless } from './serverless.ts';
import type { ServerlessOptions } from './serverless.ts';

export { REPOSITORY } from './serverless.ts';

export interface PackageOptions extends ServerlessOptions {
  /** Receives the files that `serverless deploy` would upload: the templates and one zip per function. Created if it is missing. */
  outDirectory: string;
}

/** The template of the stack, inside `outDirectory`. */
export const TEMPLATE_FILE = 'cloudformation-template-update-stack.json';

/** @throws Error with the output of the framework */
export const packageStack = async ({ outDirectory, ...options }: PackageOptions): Promise<void> => {
  await runServerless(['package', '--package', resolve(outDirectory)], options);
};
