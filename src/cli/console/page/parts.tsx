/** Parts that several pages share. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useState } from 'preact/hooks';
import type { Html } from '../../../lib/runs/report/html.ts';
import { printable } from '../../../lib/text/printable.ts';
import type { Problem } from '../api.ts';
import { address, go } from './router.tsx';
import type { Loaded } from './server-data.ts';

export const Trouble = ({ problem }: { problem: Problem | null }) =>
  problem === null ? null : (
    <div class="verdict bad" role="alert">
      <p>
        {problem.title === undefined ? '' : <strong>{problem.title}. </strong>}
        <Text of={problem.message} />
      </p>
      {problem.fix === undefined ? null : <p class="quiet">{problem.fix}</p>}
    </div>
  );

/** Shows what was read, or that it is being read, or why it was not. The last answer stays below a problem. */
export const Shown = <Value,>(given: {
  loaded: Pick<Loaded<Value>, 'problem' | 'value'>;
  what: string;
  children: (value: Value) => ComponentChildren;
}) => {
  const { value, problem } = given.loaded;
  return (
    <>
      <Trouble problem={problem} />
      {value === null ? null : given.children(value)}
      {value === null && problem === null ? (
        <p class="loading quiet" role="status">
          Reading {given.what}…
        </p>
      ) : null}
    </>
  );
};

/** A text that may hold what an uploader wrote. */
export const Text = ({ of }: { of: string }) => <bdi>{printable(of)}</bdi>;

export const Key = ({ name }: { name: string | null }) => (
  <bdi class="key" title={name ?? ''}>
    {printable(name ?? '–')}
  </bdi>
);

/** Shows what a command says. Lines of a table are not broken, and scroll where the page is too narrow. */
export const Said = ({ text, class: kind = '' }: { text: string; class?: string }) => (
  <pre class={`said ${kind}`} tabIndex={0}>
    {text.split('\n').map((line) => (
      <span class={/\S {2,}\S.* {2,}\S/.test(line) ? 'row' : ''}>{`${line}\n`}</span>
    ))}
  </pre>
);

/** Shows a part of a report, which the report draws in the same way. All that is inserted into it is escaped there. */
export const Drawn = ({ html: { html }, class: kind = '' }: { html: Html; class?: string }) => (
  <div class={kind} dangerouslySetInnerHTML={{ __html: html }} />
);

/** A form whose fields go into the address. `onSame` is called when they are there already. */
export const SearchForm = (given: {
  name: string;
  path: string;
  onSame?: () => void;
  children: ComponentChildren;
}) => (
  <form
    class="filter"
    role="search"
    aria-label={given.name}
    onSubmit={(event) => {
      event.preventDefault();
      const fields = [...new FormData(event.currentTarget)];
      const asked = address(
        given.path,
        Object.fromEntries(fields.map(([name, value]) => [name, String(value).trim()])),
      );
      if (asked === `${location.pathname}${location.search}`) given.onSame?.();
      else go(asked);
    }}
  >
    {given.children}
  </form>
);

export const TextField = (given: {
  name: string;
  label: string;
  hint: string;
  value?: string | null | undefined;
  /** The form that the text must have, in words and as a pattern. Absent: the field may be empty. */
  form?: { title: string; pattern: string };
}) => (
  <label class={given.form ? 'wide' : ''}>
    {given.label}
    <input
      name={given.name}
      defaultValue={given.value ?? ''}
      placeholder={given.hint}
      autocomplete="off"
      spellcheck={false}
      required={given.form !== undefined}
      {...given.form}
    />
  </label>
);

export const Choice = (given: {
  name: string;
  label: string;
  /** What the empty choice means. Absent: there is none. */
  none?: string;
  names: readonly string[];
  value?: string | null | undefined;
}) => (
  <label>
    {given.label}
    <select name={given.name}>
      {given.none === undefined ? null : <option value="">{given.none}</option>}
      {given.names.map((name) => (
        <option selected={name === given.value}>{name}</option>
      ))}
    </select>
  </label>
);

/** The options to add to a command so that it concerns the same deployment. */
export const Suffix = createContext('');

/** A command for a terminal, with a button that copies it. `words` may be the whole command already. */
export const Command = ({ words }: { words: string }) => {
  const suffix = useContext(Suffix);
  const text = `npx s3-replicator ${words.replace(/^npx s3-replicator /, '').replace(suffix, '')}${suffix}`;
  const [isCopied, setCopied] = useState(false);
  return (
    <span class="command">
      <code>{text}</code>
      <button
        type="button"
        class="small"
        aria-label={`Copy: ${text}`}
        onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
      >
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
};
