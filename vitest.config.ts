import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const END_TO_END = ['tests/e2e/**/*.test.ts', 'tests/security/**/*.test.ts'];

/**
 * Random tests repeat one seed, so that a change fails only by its own fault. `npm run test:soak` draws a new seed for each round.
 */
const { PROPERTY_SEED = '20261130' } = process.env;

/** The small files that take longest. Vitest begins with the largest files, and would keep a worker busy with these at the end. */
const LONGEST = [
  'tests/e2e/backfill-proof.test.ts',
  'tests/e2e/failures.test.ts',
  'tests/e2e/backfill.test.ts',
  'tests/e2e/crashes.test.ts',
  'packages/local-aws/tests/conformance.test.ts',
  'tests/cli/local-sqs.test.ts',
  'tests/stack/packaging.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((file) => moduleId.endsWith(file));
      return at < 0 ? LONGEST.length : at;
    };
    const inOrder = await super.sort(files);
    // The projects stay one after the other.
    const projects = [...new Set(inOrder.map(({ project }) => project.name))];
    return inOrder.toSorted(
      (a, b) => projects.indexOf(a.project.name) - projects.indexOf(b.project.name) || rank(a) - rank(b),
    );
  }
}

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
    sequence: { sequencer: LongestFirst },
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
