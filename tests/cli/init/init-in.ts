/** Runs `init` with scripted answers. */
import { runInitWith } from '../../../src/cli/init/init.ts';
import type { Questions } from '../../../src/cli/terminal/questions.ts';
import type { BucketLook } from '../../../src/lib/aws/s3/probe/look-at-bucket.ts';
import { run } from '../run.ts';

/** What `init` sees when nobody is signed in. */
const BLIND: BucketLook = {
  account: async () => null,
  names: async () => null,
  facts: () => Promise.reject(new Error('without credentials AWS is not asked')),
};

/** Answers with the proposed answer, unless a part of the question is listed. `asked` receives all questions. */
export const scripted = (answers: Record<string, string>, asked: string[]): Questions => {
  const answerTo = (message: string, proposed: string | null): string => {
    asked.push(`${message} ${proposed ?? '?'}`);
    const [, answer] = Object.entries(answers).find(([part]) => message.includes(part)) ?? [];
    return answer ?? proposed ?? '';
  };
  return {
    text: async ({ message, proposed }) => answerTo(message, proposed),
    choose: async ({ message, choices, proposed }) =>
      answerTo(`${message} [${choices.map(({ value }) => value).join()}]`, proposed),
  };
};

/** Runs `init` in a folder. Without `questions` there is no terminal. */
export const initIn = (
  cwd: string,
  options: readonly string[],
  { look = BLIND, questions }: { look?: BucketLook; questions?: Questions | undefined } = {},
) =>
  run(
    ['init', ...options],
    { cwd, ask: questions === undefined ? null : async () => null },
    {
      init: runInitWith({
        look: async () => look,
        random: () => 'drawn-id',
        questions: async () => questions ?? Promise.reject(new Error('nobody is there')),
      }),
    },
  );
