import { defineConfig } from 'vitest/config';

const END_TO_END = 'tests/e2e/**/*.test.ts';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Machines that test are busy, and stand still for seconds now and then.
    expect: { poll: { timeout: 20_000 } },
    // Of two cores: end-to-end tests wait a third of their time.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'end-to-end', include: [END_TO_END] } },
      {
        extends: true,
        test: {
          name: 'units',
          include: ['tests/**/*.test.ts', 'packages/*/tests/**/*.test.ts'],
          exclude: [END_TO_END],
          setupFiles: ['tests/model/global-seed.ts'],
          // Loading the local AWS and the SDK anew for each file takes as long as many files do.
          isolate: false,
        },
      },
    ],
  },
});
