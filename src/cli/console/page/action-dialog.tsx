/** Asks before something is changed. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api.ts';
import { Trouble } from './parts.tsx';
import { problemIn } from './server-data.ts';

interface Action {
  title: string;
  /** The word on the button that carries it out. */
  verb: string;
  isDangerous?: boolean;
  /** What is sent at first. */
  first?: object;
  /** Whether the server is asked at once, because its question says what would happen. */
  asksAtOnce?: boolean;
  children?: ComponentChildren;
  /** Sends the request with the answers. Resolves to what was done, in words. */
  send(answers: object): Promise<string>;
  onClose(isDone: boolean): void;
}

/** What has become of a request: the question that the server asks first, why it failed, or what was done. */
interface Outcome {
  asked: Problem | null;
  problem: Problem | null;
  done: string | null;
}

/**
 * Shows a question of the server with what the command says at a terminal. The server checks the answer, as the command does.
 */
export const ActionDialog = (action: Action) => {
  const { title, verb, asksAtOnce = false, send, onClose } = action;
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>({ asked: null, problem: null, done: null });
  const { asked, problem, done } = outcome;
  const carryOut = async (answers: object): Promise<void> => {
    setBusy(true);
    try {
      setOutcome({ asked: null, problem: null, done: await send({ ...action.first, ...answers }) });
    } catch (error) {
      const found = problemIn(error);
      const isQuestion = found.question !== undefined;
      setOutcome({ asked: isQuestion ? found : asked, problem: isQuestion ? null : found, done: null });
    }
    setBusy(false);
  };
  useEffect(() => {
    dialog.current?.showModal();
    if (asksAtOnce) void carryOut({});
  }, []);
  const word = /^Type (.+) to continue:$/.exec(asked?.question ?? '')?.[1] ?? null;
  const isReady = !isBusy && (word === null || typed.trim() !== '') && (!asksAtOnce || asked !== null);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={() => onClose(done !== null)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void carryOut(word === null ? (asked === null ? {} : { yes: true }) : { typed });
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        {done === null ? action.children : null}
        <div aria-live="polite">
          {asked === null ? null : <Question asked={asked} word={word} typed={typed} onTyped={setTyped} />}
          {isBusy ? <p class="quiet">Working…</p> : null}
          <Trouble problem={problem} />
          {done === null ? null : <pre class="said done">{done}</pre>}
        </div>
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {done === null ? 'Leave it' : 'Close'}
          </button>
          {done === null ? (
            <button class={action.isDangerous ? 'danger' : 'primary'} disabled={!isReady}>
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
const Question = (given: {
  asked: Problem;
  word: string | null;
  typed: string;
  onTyped: (text: string) => void;
}) => {
  const { message, question } = given.asked;
  return (
    <>
      <pre class="said">{message}</pre>
      {given.word === null ? (
        <p>{question?.replace(' [y/N]', '')}</p>
      ) : (
        <label>
          Type <strong>{given.word}</strong> to continue
          <input
            ref={focus}
            value={given.typed}
            autocomplete="off"
            onInput={({ currentTarget }) => given.onTyped(currentTarget.value)}
          />
        </label>
      )}
    </>
  );
};
