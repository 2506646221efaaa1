/** Questions to a person at a terminal. */
import { autocomplete, isCancel, select, text } from '@clack/prompts';
import { InterruptedError } from './interrupted.ts';

export interface Choice {
  value: string;
  label: string;
}

export interface Questions {
  /** `check` returns what is wrong with an answer, or null. Throws InterruptedError. */
  text(question: {
    message: string;
    proposed: string;
    check: (answer: string) => string | null;
  }): Promise<string>;
  /** Asks for one of the choices. Many choices can be searched. Throws InterruptedError. */
  choose(question: { message: string; choices: readonly Choice[]; proposed: string | null }): Promise<string>;
}

/** Maximum number of choices that are shown without a search. */
const SHORT = 8;

/** Asks on standard error, because standard output may be a pipe. */
export const terminalQuestions = (signal: AbortSignal): Questions => {
  // A prompt does not remove its listener from its signal. Each prompt has its own signal, because Node.js warns about many listeners on one.
  const common = () => ({ output: process.stderr, signal: AbortSignal.any([signal]) });
  return {
    async text({ message, proposed, check }) {
      const answer = await text({
        ...common(),
        message,
        initialValue: proposed,
        validate: (value = '') => check(value.trim()) ?? undefined,
      });
      return answered(answer).trim();
    },
    async choose({ message, choices, proposed }) {
      const options = [...choices];
      const initial = proposed === null ? {} : { initialValue: proposed };
      return answered(
        await (options.length <= SHORT
          ? select({ ...common(), message, options, ...initial })
          : autocomplete({ ...common(), message, options, ...initial, maxItems: SHORT })),
      );
    },
  };
};

/** Ctrl-C, Ctrl-D and Escape give no answer. */
const answered = (answer: string | symbol): string => {
  if (isCancel(answer) || typeof answer === 'symbol') throw new InterruptedError();
  return answer;
};
