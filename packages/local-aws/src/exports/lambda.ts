/** The execution environment of a packaged function, without the rest of Lambda. */
export { ExecutionEnvironment } from '../lambda/execution-environment.ts';
export { environmentIdOf } from '../lambda/function-pool.ts';
export type { ResourceUsage } from '../lambda/runtime-api.ts';
export { unpackCode } from '../lambda/unzip.ts';
