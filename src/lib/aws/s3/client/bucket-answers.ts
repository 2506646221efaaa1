/** Remembers one answer for each bucket, for the life of the execution environment. */

export interface BucketAnswers<A = boolean> {
  /**
   * Calls `ask` once for each bucket and remembers the result. If `ask` fails, nothing is remembered, so the next call of this function
   * asks again.
   */
  get(bucket: string, ask: () => Promise<A>): Promise<A>;
  /** Replaces the answer for a bucket. */
  set(bucket: string, answer: A): void;
}

export const createBucketAnswers = <A = boolean>(): BucketAnswers<A> => {
  const answers = new Map<string, Promise<A>>();
  const get = async (bucket: string, ask: () => Promise<A>): Promise<A> => {
    const known = answers.get(bucket);
    const answer = known === undefined ? ask() : known.catch(() => get(bucket, ask));
    if (known === undefined) {
      answers.set(bucket, answer);
      answer.catch(() => answers.delete(bucket));
    }
    return await answer;
  };
  return { get, set: (bucket, answer) => void answers.set(bucket, Promise.resolve(answer)) };
};
