/** Whether a server checks the conditions of CopyObject. AWS does. Several other servers ignore them and overwrite the existing object. */

export interface CopyConditions {
  /** Calls `ask` once for each bucket. If `ask` fails, the next caller asks again. */
  areChecked(bucket: string, ask: () => Promise<boolean>): Promise<boolean>;
}

/** One for each execution environment. */
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
