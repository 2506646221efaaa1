import { defineConfig } from 'vitest/config';

const END_TO_END = ['tests/e2e/**/*.test.ts', 'tests/security/**/*.test.ts'];

/**
 * Random tests repeat one seed, so that a change fails only by its own fault. `npm run test:soak` draws a new seed for each round.
 */
const { PROPERTY_SEED = '20261130' } = process.env;

export default defineConfig({
  test: {
    // A busy machine may stand still for seconds, and then needs several times as long as an idle one.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Two cores run five workers, because end-to-end tests spend most of their time waiting.
    maxWorkers: 5,
    env: { PROPERTY_SEED },
    // Loading the local AWS and the SDK anew for each file would take as long as many files do.
    isolate: false,
    setupFiles: ['tests/model/clean-environment.ts'],
    projects: [
      { extends: true, test: { name: 'end-to-end', include: END_TO_END } },
      {
        extends: true,
        test: {
          name: 'units',
          include: ['tests/**/*.test.ts', 'packages/*/tests/**/*.test.ts'],
          exclude: END_TO_END,
          setupFiles: ['tests/model/global-seed.ts'],
        },
      },
    ],
  },
});
