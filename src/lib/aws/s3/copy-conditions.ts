/**
 * Remembers whether a server checks the conditions of CopyObject. AWS checks them. Several other servers ignore the conditions and
 * overwrite the existing object.
 */

export interface CopyConditions {
  /**
   * Calls `ask` once for each bucket and remembers the result. If `ask` fails, nothing is remembered, so the next call of this function
   * asks again.
   */
  areChecked(bucket: string, ask: () => Promise<boolean>): Promise<boolean>;
}

/** Called once for each execution environment. */
export const createCopyConditions = (): CopyConditions => {
  const answers = new Map<string, Promise<boolean>>();
  const areChecked = async (bucket: string, ask: () => Promise<boolean>): Promise<boolean> => {
    const known = answers.get(bucket);
    const answer = known === undefined ? ask() : known.catch(() => areChecked(bucket, ask));
    if (known === undefined) {
      answers.set(bucket, answer);
      answer.catch(() => answers.delete(bucket));
    }
    return await answer;
  };
  return { areChecked };
};
