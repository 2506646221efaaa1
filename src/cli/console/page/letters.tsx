/** Dead letters in groups, with what to do about each. */
import { useState } from 'preact/hooks';
import { countOf, countText } from '../../../lib/text/amounts.ts';
import { shellWord } from '../../../lib/text/shell.ts';
import type { Checked, Letters, Session, State } from '../api.ts';
import { CheckResult, LetterDialog, type LetterAction } from './letter-actions.tsx';
import { Choice, Command, Empty, Key, Shown, Table, TextField } from './parts.tsx';
import { address, go, Link, type Place } from './router.tsx';
import { type Loaded, READ_ONLY, useServer } from './server-data.ts';
import { ago, clock, known } from './words.ts';

const FILTER = ['reason', 'rule', 'destination', 'prefix', 'since'] as const;
type Filter = Partial<Record<(typeof FILTER)[number], string>>;

interface Given {
  session: Session;
  state: State | null;
  place: Place;
}

export const LettersPage = ({ session, state, place }: Given) => {
  const filter: Filter = Object.fromEntries(
    FILTER.flatMap((name) => {
      const value = place.query.get(name);
      return value ? [[name, value]] : [];
    }),
  );
  const loaded = useServer<Letters>(address('/api/letters', filter));
  const [action, setAction] = useState<LetterAction | null>(null);
  const [checked, setChecked] = useState<Checked | null>(null);
  const search = place.query.get('search') ?? '';
  return (
    <>
      <FilterForm session={session} filter={filter} search={search} />
      <div aria-live="polite">
        <Shown loaded={loaded} what="the dead-letter queue">
          {(letters) => <Answer letters={letters} state={state} loaded={loaded} />}
        </Shown>
      </div>
      <ul class="rows">
        {loaded.value?.groups.map((group) => (
          <GroupRow
            key={`${group.reason} ${group.rule} ${group.destinations.join()}`}
            group={group}
            filter={filter}
            suffix={session.suffix}
            onAction={setAction}
          />
        ))}
      </ul>
      {checked === null ? null : <CheckResult checked={checked} />}
      {loaded.value === null || loaded.value.letters === 0 ? null : (
        <Messages letters={loaded.value} search={search} />
      )}
      {action === null ? null : (
        <LetterDialog
          action={action}
          onChecked={setChecked}
          onClose={(isDone) => {
            setAction(null);
            if (isDone && action.kind !== 'check') loaded.reload();
          }}
        />
      )}
    </>
  );
};

const FilterForm = ({ session, filter, search }: { session: Session; filter: Filter; search: string }) => {
  const destinations = [...new Set(session.rules.flatMap((rule) => rule.destinations))];
  return (
    <form
      class="filter"
      role="search"
      aria-label="Dead letters"
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget);
        go(
          address(
            '/letters',
            Object.fromEntries(
              [...FILTER, 'search'].map((name) => [name, String(given.get(name) ?? '').trim()]),
            ),
          ),
        );
      }}
    >
      <Choice name="reason" label="Reason" none="any" names={session.reasons} value={filter.reason} />
      <Choice
        name="rule"
        label="Rule"
        none="any"
        names={session.rules.map(({ id }) => id)}
        value={filter.rule}
      />
      <Choice
        name="destination"
        label="Destination"
        none="any"
        names={destinations}
        value={filter.destination}
      />
      <TextField name="prefix" label="Key begins with" hint="invoices/" value={filter.prefix ?? null} />
      <TextField name="since" label="Since" hint="2h, 3d" value={filter.since ?? null} />
      <TextField name="search" label="Contains" hint="key or detail" value={search} />
      <div class="buttons">
        <button class="primary">Show</button>
        <Link to="/letters">Clear</Link>
      </div>
    </form>
  );
};

const Answer = (given: { letters: Letters; state: State | null; loaded: Loaded<Letters> }) => {
  const { letters, state } = given;
  const { isLoading, reload } = given.loaded;
  const { letters: count, objects, queue, lastMinute, lastHour, complete } = letters;
  const counts = state?.deadLetters.live.messages;
  const now =
    counts !== undefined && known(counts) ? counts.visible + counts.inFlight + counts.delayed : null;
  return (
    <div class="bar-line">
      {count === 0 ? (
        <Empty>No dead letter matches in {queue}.</Empty>
      ) : (
        <p>
          <strong>{countOf(count, 'dead letter')}</strong> for {countOf(objects, 'object')} in {queue}
          {letters.oldest === null ? '' : `, oldest ${ago(letters.oldest, Date.now())}`}
          {lastMinute > 0
            ? `, +${countText(lastMinute)} in the last minute`
            : `, ${lastHour === 0 ? 'none' : `+${countText(lastHour)}`} in the last hour`}
          {complete ? '' : '. Another command holds some of them, or there are more'}.
        </p>
      )}
      <button type="button" onClick={reload} disabled={isLoading}>
        {isLoading ? 'Reading…' : 'Read again'}
      </button>
      <span class="quiet">{now === null ? '' : `the queue holds ${countText(now)} now`}</span>
    </div>
  );
};

type Group = Letters['groups'][number];

const GroupRow = (given: {
  group: Group;
  filter: Filter;
  suffix: string;
  onAction: (action: LetterAction) => void;
}) => {
  const { group, filter, suffix, onAction } = given;
  const { reason, rule, destinations, example, endedBy } = group;
  const [destination] = destinations;
  const fields = {
    ...filter,
    reason,
    ...(rule === null ? {} : { rule }),
    ...(destinations.length === 1 && destination !== undefined ? { destination } : {}),
  };
  const where = `${rule ?? '–'} → ${destinations.length === 1 ? destination : `${destinations.length} destinations`}`;
  const name = `${reason}, ${where}`;
  const words = Object.entries(fields)
    .map(([option, value]) => ` --${option} ${shellWord(value)}`)
    .join('');
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
        <Key name={`${example.bucket === null ? '' : `s3://${example.bucket}/`}${example.key ?? '–'}`} />{' '}
        {example.bucket === null || example.key === null ? null : (
          <Link to={address('/key', { uri: `s3://${example.bucket}/${example.key}` })}>explain</Link>
        )}
      </p>
      {example.detail === null ? null : <p class="detail">{example.detail}</p>}
      <p>
        <strong>Fix:</strong> {group.fix}
      </p>
      <div class="buttons">
        <GroupButtons name={name} endedBy={endedBy} onAct={(kind) => onAction({ kind, fields, name })} />
        <details>
          <summary>As a command</summary>
          <Command words={`dlq ${endedBy === 'discard' ? 'discard' : 'redrive'}${words}`} suffix={suffix} />
        </details>
      </div>
    </li>
  );
};

const GroupButtons = (given: {
  name: string;
  endedBy: Group['endedBy'];
  onAct: (kind: LetterAction['kind']) => void;
}) => {
  const button = (kind: LetterAction['kind'], label: string, tone = '') => (
    <button
      type="button"
      class={tone}
      onClick={() => given.onAct(kind)}
      aria-label={`${label}: ${given.name}`}
    >
      {label}
    </button>
  );
  return (
    <>
      {button('check', 'Check…')}
      {READ_ONLY || given.endedBy === 'discard' ? null : button('redrive', 'Redrive…')}
      {READ_ONLY ? null : button('discard', 'Discard…', 'danger-quiet')}
    </>
  );
};

const Messages = ({ letters, search }: { letters: Letters; search: string }) => {
  const wanted = search.toLowerCase();
  const found = letters.some.filter(({ key, detail }) => `${key} ${detail}`.toLowerCase().includes(wanted));
  const shown = `${countText(found.length)} of ${countOf(letters.letters, 'message')}`;
  return (
    <details class="messages" open={search !== ''}>
      <summary>
        Messages <span class="quiet">{shown}, newest first</span>
      </summary>
      <Table
        name="Messages"
        heads={['Key', 'Reason', 'Destination', 'Dead since', 'Tries', 'Detail']}
        numbers={[3, 4]}
        rows={found.map((letter) => [
          <Key name={letter.key} />,
          <code>{letter.reason}</code>,
          letter.destination ?? '–',
          clock(letter.deadSince),
          letter.attempts ?? '–',
          <span class="detail">{letter.detail}</span>,
        ])}
      />
    </details>
  );
};
