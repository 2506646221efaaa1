import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Machines that test are busy, and stand still for seconds now and then.
    expect: { poll: { timeout: 20_000 } },
    // On two cores: end-to-end tests start processes of their own, and wait for queues about half of their time.
    maxWorkers: 3,
  },
});
