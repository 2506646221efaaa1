/** Asks before something is changed. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api.ts';
import { Said, Trouble } from './parts.tsx';
import { problemIn } from './server-data.ts';

interface Action {
  title: string;
  /** The word on the button that carries it out. */
  verb: string;
  isDangerous?: boolean;
  /** What is sent at first. */
  first?: object;
  /** What is sent at once, because the question or the answer of the server says what would happen. It changes nothing. */
  preview?: object;
  children?: ComponentChildren;
  /** Sends the request with the answers. Resolves to what was done, in words. */
  send(answers: object): Promise<string>;
  onClose(isDone: boolean): void;
}

/** What has become of a request: what would happen, the question that the server asks first, why it failed, or what was done. */
interface Outcome {
  expected?: string;
  asked?: Problem;
  problem?: Problem;
  done?: string;
}

/**
 * Shows a question of the server with what the command says at a terminal. The server checks the answer, as the command does.
 */
export const ActionDialog = (action: Action) => {
  const { title, verb, preview, send, onClose } = action;
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>({});
  const { expected, asked, problem, done } = outcome;
  const carryOut = async (answers: object, result: 'done' | 'expected' = 'done'): Promise<void> => {
    setBusy(true);
    try {
      setOutcome({ [result]: await send({ ...action.first, ...answers }) });
    } catch (error) {
      const found = problemIn(error);
      setOutcome(found.question === undefined ? { ...outcome, problem: found } : { asked: found });
    }
    setBusy(false);
  };
  useEffect(() => {
    dialog.current?.showModal();
    if (preview !== undefined) void carryOut(preview, 'expected');
  }, []);
  const word = /^Type (.+) to continue:$/.exec(asked?.question ?? '')?.[1] ?? null;
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={() => onClose(done !== undefined)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const typed = Object.fromEntries(new FormData(event.currentTarget));
          if (!isBusy)
            void carryOut({ ...typed, ...(asked !== undefined && word === null && { yes: true }) });
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        {done === undefined ? action.children : null}
        <div aria-live="polite">
          {asked === undefined ? null : <Question asked={asked} word={word} />}
          {isBusy ? <p class="quiet">Working…</p> : null}
          {expected === undefined ? null : <Said text={expected} />}
          <Trouble problem={problem ?? null} />
          {done === undefined ? null : <Said class="done" text={done} />}
        </div>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {done === undefined ? 'Leave it' : 'Close'}
          </button>
          {done === undefined ? (
            <button class={action.isDangerous ? 'danger' : 'primary'} disabled={isBusy}>
              {verb}
            </button>
          ) : null}
        </div>
      </form>
    </dialog>
  );
};

const focus = (input: HTMLInputElement | null): void => input?.focus();

/** What the server says before its question, and a field for the word that it wants; without a word, yes is enough. */
const Question = ({ asked: { message, question }, word }: { asked: Problem; word: string | null }) => (
  <>
    <Said text={message} />
    {word === null ? (
      <p>{question?.replace(' [y/N]', '')}</p>
    ) : (
      <label>
        Type <strong>{word}</strong> to continue
        <input ref={focus} name="typed" autocomplete="off" required />
      </label>
    )}
  </>
);
