/** Limits how many batches of a queue are processed at the same time. */
export interface PollerScale {
  batches(): number;
  /** Called after the function has processed a batch successfully. */
  grow(): void;
  /** Called when an invocation was throttled, or when the function failed without reporting which messages failed. */
  backOff(): void;
}

const FIRST_BATCHES = 5;
const FEWEST_BATCHES = 2;
const MOST_BATCHES = 1000;

/**
 * Starts with five batches. AWS documents that the number grows while there are messages and falls gradually when invocations fail, but not
 * how fast it falls. Here each successful batch adds one, and each failed batch halves the number.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
export const createPollerScale = (maximumConcurrency: number | null): PollerScale => {
  const most = maximumConcurrency ?? MOST_BATCHES;
  let batches = Math.min(FIRST_BATCHES, most);
  return {
    batches: () => batches,
    grow: () => {
      batches = Math.min(batches + 1, most);
    },
    backOff: () => {
      batches = Math.max(FEWEST_BATCHES, Math.floor(batches / 2));
    },
  };
};
