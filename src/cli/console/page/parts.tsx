/** Parts that several pages share. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { dollarText } from '../../../lib/text/amounts.ts';
import { printable } from '../../../lib/text/printable.ts';
import type { Problem } from '../api.ts';
import { address, go, Link } from './router.tsx';
import type { Loaded } from './server-data.ts';
import type { Concern } from './concerns.ts';

export const Trouble = ({ problem }: { problem: Problem | null }) =>
  problem === null ? null : (
    <div class="verdict bad" role="alert">
      <p>{problem.message}</p>
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
  if (value !== null || problem !== null)
    return (
      <>
        <Trouble problem={problem} />
        {value === null ? null : given.children(value)}
      </>
    );
  return (
    <p class="loading quiet" role="status">
      Reading {given.what}…
    </p>
  );
};

/** A table that scrolls by itself where the page is too narrow. `numbers` are the columns that are aligned on the right. */
export const Table = (given: {
  name: string;
  heads: readonly string[];
  rows: readonly (readonly ComponentChildren[])[];
  numbers: readonly number[];
}) => {
  const classOf = (column: number): string => (given.numbers.includes(column) ? 'number' : '');
  return (
    <div class="scrolling" tabIndex={0} role="region" aria-label={given.name}>
      <table>
        <tr>
          {given.heads.map((head, column) => (
            <th scope="col" class={classOf(column)}>
              {head}
            </th>
          ))}
        </tr>
        {given.rows.map((row) => (
          <tr>
            {row.map((cell, column) => (
              <td class={classOf(column)}>{cell}</td>
            ))}
          </tr>
        ))}
      </table>
    </div>
  );
};

export const Key = ({ name }: { name: string | null }) => <bdi class="key">{printable(name ?? '–')}</bdi>;

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

export const TextField = (given: { name: string; label: string; hint: string; value?: string | null }) => (
  <label>
    {given.label}
    <input name={given.name} defaultValue={given.value ?? ''} placeholder={given.hint} autocomplete="off" />
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

/** A large number with its name above and a note below. */
export const Figure = ({ name, amount, note }: { name: string; amount: string; note: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{amount}</dd>
    <dd class="quiet">{note}</dd>
  </div>
);

export const dollarsIn = ({ dollars }: { dollars: Record<string, number> }): string =>
  dollarText(Object.values(dollars).reduce((sum, each) => sum + each, 0));

/** A command for a terminal, with a button that copies it. */
export const Command = ({ words, suffix }: { words: string; suffix: string }) => {
  const text = `npx s3-replicator ${words}${suffix}`;
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

export const NextStep = ({ next, suffix }: { next: Concern['next']; suffix: string }) => {
  if (next === null) return null;
  if ('command' in next) return <Command words={next.command} suffix={suffix} />;
  return <Link to={next.to}>{next.label}</Link>;
};
