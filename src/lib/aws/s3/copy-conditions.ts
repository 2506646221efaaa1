/** Whether a server checks the conditions of CopyObject. AWS does; several others ignore them and overwrite what is there. */

export interface CopyConditions {
  /** Asks once for each bucket; a question that fails is asked again by the next. */
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
