/** Dead letters in groups, with what to do about each. */
import { useState } from 'preact/hooks';
import { table } from '../../../lib/runs/report/html-parts.ts';
import { html } from '../../../lib/runs/report/html.ts';
import { countOf, countText } from '../../../lib/text/amounts.ts';
import { printable } from '../../../lib/text/printable.ts';
import { shellWord } from '../../../lib/text/shell.ts';
import type { Letters, Session } from '../api.ts';
import { ACTIONS, type LetterAction, LetterDialog } from './letter-actions.tsx';
import { Choice, Command, Drawn, Key, Said, SearchForm, Shown, Text, TextField } from './parts.tsx';
import { address, Link, type Place, toContent } from './router.tsx';
import { type Loaded, READ_ONLY, useServer } from './server-data.ts';
import { ago, clock } from './words.ts';

/** The options of the commands, as they stand in the address. */
type Filter = Partial<Record<string, string>>;

export const LettersPage = ({ session, place }: { session: Session; place: Place }) => {
  const { search = '', ...filter }: Filter = Object.fromEntries(place.query);
  const loaded = useServer<Letters>(address('/api/letters', filter));
  const [action, setAction] = useState<LetterAction | null>(null);
  const [found, setFound] = useState<string | null>(null);
  return (
    <>
      <FilterForm session={session} filter={filter} search={search} />
      <div aria-live="polite">
        <Shown loaded={loaded} what="the dead-letter queue">
          {(letters) => <Answer letters={letters} loaded={loaded} />}
        </Shown>
      </div>
      <ul class="groups">
        {loaded.value?.groups.map((group) => (
          <GroupRow
            key={`${group.reason} ${group.rule} ${group.destinations.join()}`}
            group={group}
            filter={filter}
            onAction={setAction}
          />
        ))}
      </ul>
      {found === null ? null : (
        <section class="verdict plain" aria-label="Result of the check">
          <Said text={found} />
        </section>
      )}
      {loaded.value === null || loaded.value.letters === 0 ? null : (
        <Messages letters={loaded.value} search={search} />
      )}
      {action === null ? null : (
        <LetterDialog
          action={action}
          onDone={(said) => setFound(action.kind === 'check' ? said : null)}
          onClose={(isDone) => {
            setAction(null);
            if (isDone && action.kind !== 'check') toContent(loaded.reload);
          }}
        />
      )}
    </>
  );
};

const FilterForm = ({ session, filter, search }: { session: Session; filter: Filter; search: string }) => {
  const { rules, reasons } = session;
  const choices = [
    ['reason', 'Reason', reasons],
    ['rule', 'Rule', rules.map(({ id }) => id)],
    ['destination', 'Destination', [...new Set(rules.flatMap((rule) => rule.destinations))]],
  ] as const;
  return (
    <SearchForm name="Dead letters" path="/letters">
      {choices.map(([name, label, names]) => (
        <Choice key={name} name={name} label={label} none="any" names={names} value={filter[name]} />
      ))}
      <TextField name="prefix" label="Key begins with" hint="invoices/" value={filter['prefix']} />
      <TextField name="since" label="Since" hint="2h, 3d" value={filter['since']} />
      <TextField name="search" label="Contains" hint="key or detail" value={search} />
      <div class="buttons">
        <button class="primary">Show</button>
        <Link to="/letters">Clear</Link>
      </div>
    </SearchForm>
  );
};

const Answer = ({ letters, loaded }: { letters: Letters; loaded: Loaded<Letters> }) => {
  const { isLoading, reload } = loaded;
  return (
    <div class="bar-line">
      {letters.letters === 0 ? (
        <p class="empty">No dead letter matches in {letters.queue}.</p>
      ) : (
        <p>
          {letters.said}
          {letters.complete ? '' : '. Another command holds some of them, or there are more.'}
        </p>
      )}
      <button type="button" onClick={reload} disabled={isLoading}>
        {isLoading ? 'Reading…' : 'Read again'}
      </button>
    </div>
  );
};

type Group = Letters['groups'][number];

const GroupRow = (given: { group: Group; filter: Filter; onAction: (action: LetterAction) => void }) => {
  const { group, filter, onAction } = given;
  const { reason, rule, destinations, example, endedBy } = group;
  const [destination, another] = destinations;
  const only = another === undefined ? destination : undefined;
  const fields = {
    ...filter,
    reason,
    ...(rule === null ? {} : { rule }),
    ...(only === undefined ? {} : { destination: only }),
  };
  const where = `${rule ?? '–'} → ${only ?? `${destinations.length} destinations`}`;
  const name = `${reason}, ${where}`;
  const { bucket, key, detail } = example;
  const uri = bucket === null || key === null ? null : `s3://${bucket}/${key}`;
  const words = Object.entries(fields).map(([option, value]) => `--${option} ${shellWord(value)}`);
  return (
    <li class="problem">
      <div class="bar-line">
        <h2>
          <code>{reason}</code>
        </h2>
        <span>{where}</span>
        <span class="quiet">
          {countOf(group.letters, 'message')}, {countOf(group.objects, 'key')}, since {clock(group.since)} (
          {ago(group.since, Date.now())})
        </span>
      </div>
      <p>
        <Key name={uri ?? key} /> {uri === null ? null : <Link to={address('/key', { uri })}>explain</Link>}
      </p>
      <p class="detail">
        <Text of={detail ?? ''} />
      </p>
      <p>
        <strong>Fix:</strong> {group.fix}
      </p>
      <div class="buttons">
        {actionsOn(group).map((kind) => (
          <button
            key={kind}
            type="button"
            class={kind === 'discard' ? 'danger-quiet' : ''}
            onClick={() => onAction({ kind, fields, name })}
            aria-label={`${ACTIONS[kind].title}… ${name}`}
          >
            {ACTIONS[kind].title}…
          </button>
        ))}
        <details>
          <summary>As a command</summary>
          <Command words={['dlq', endedBy === 'discard' ? 'discard' : 'redrive', ...words].join(' ')} />
        </details>
      </div>
    </li>
  );
};

const actionsOn = ({ endedBy }: Group): LetterAction['kind'][] =>
  READ_ONLY ? ['check'] : endedBy === 'discard' ? ['check', 'discard'] : ['check', 'redrive', 'discard'];

const Messages = ({ letters, search }: { letters: Letters; search: string }) => {
  const wanted = search.toLowerCase();
  const found = letters.some.filter(({ key, detail }) => `${key} ${detail}`.toLowerCase().includes(wanted));
  const shown = `${countText(found.length)} of ${countOf(letters.letters, 'message')}`;
  return (
    <details class="messages" open={search !== ''}>
      <summary>
        Messages <span class="quiet">{shown}, newest first</span>
      </summary>
      <Drawn
        html={table(
          'Messages',
          ['Key', 'Reason', 'Destination', 'Dead since', 'Tries', 'Detail'],
          found.map(({ key, reason, destination, deadSince, attempts, detail }) => [
            html`<bdi class="key">${printable(key ?? '–')}</bdi>`,
            html`<code>${reason}</code>`,
            destination ?? '–',
            clock(deadSince),
            String(attempts ?? '–'),
            html`<span class="detail">${printable(detail ?? '')}</span>`,
          ]),
          [3, 4],
        )}
      />
    </details>
  );
};
