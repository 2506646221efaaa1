/** Packages with the real framework, for the repository's configuration or any other. */
import { resolve } from 'node:path';
import { runServerless } from './serverless.ts';
import type { ServerlessOptions } from './serverless.ts';

export { REPOSITORY } from './serverless.ts';

export interface PackageOptions extends ServerlessOptions {
  /** Receives what `serverless deploy` would upload: the templates and a zip per function. Made if it is not there. */
  outDirectory: string;
}

/** The template of the stack, inside `outDirectory`. */
export const TEMPLATE_FILE = 'cloudformation-template-update-stack.json';

/** @throws Error with what the framework said */
export const packageStack = async ({ outDirectory, ...options }: PackageOptions): Promise<void> => {
  await runServerless(['package', '--package', resolve(outDirectory)], options);
};
