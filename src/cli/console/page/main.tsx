/** The frame around all pages. */
import { type ComponentType, render } from 'preact';
import { useEffect } from 'preact/hooks';
import { countText } from '../../../lib/text/amounts.ts';
import { type DeploymentState, messagesIn } from '../../../lib/state/deployment-state.ts';
import type { Session } from '../api.ts';
import { concernsIn, headlineOf } from './concerns.ts';
import { DoctorPage } from './doctor.tsx';
import { KeyPage } from './key.tsx';
import { LettersPage } from './letters.tsx';
import { Overview } from './overview.tsx';
import { Suffix, Trouble } from './parts.tsx';
import { Link, type Place, usePlace } from './router.tsx';
import { RunsPage } from './runs.tsx';
import { type Loaded, READ_ONLY, useServer } from './server-data.ts';

/** What a page is made from. */
interface Given {
  place: Place;
  session: Session;
  state: Loaded<DeploymentState>;
}

const PAGES: readonly (readonly [path: string, name: string, page: ComponentType<Given>])[] = [
  ['/', 'Overview', Overview],
  ['/letters', 'Dead letters', LettersPage],
  ['/runs', 'Runs', RunsPage],
  ['/key', 'A key', KeyPage],
  ['/doctor', 'Doctor', DoctorPage],
];

const App = () => {
  const place = usePlace();
  const session = useServer<Session>('/api/session');
  const state = useServer<DeploymentState>('/api/state', 5_000);
  const concerns = state.value === null ? null : concernsIn(state.value);
  const [tone, word] =
    state.problem !== null || concerns === null
      ? ['plain', state.problem === null ? 'reading…' : 'not readable']
      : [concerns.length === 0 ? 'good' : 'bad', headlineOf(concerns)];
  const [, page, Content] = PAGES.find(([each]) => isCurrent(each, place)) ?? ['', '', () => null];
  useEffect(() => {
    document.title = `${page} · ${session.value?.stack ?? 's3-replicator'}: ${word}`;
  }, [page, word, session.value]);
  const letters = state.value === null ? 0 : messagesIn(state.value.deadLetters.live);
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class={tone}>
        <div class="bar-line">
          <p class="brand">
            <strong>{session.value?.stack ?? 's3-replicator'}</strong>{' '}
            <span class="quiet">
              {session.value?.region ?? ''}
              {READ_ONLY ? ' · read only' : ''}
            </span>
          </p>
          <p class="pill" role="status">
            {word}
          </p>
        </div>
        <Pages place={place} letters={letters} />
      </header>
      <main id="main" tabIndex={-1}>
        <h1 class="spoken">{page}</h1>
        <Trouble problem={session.problem ?? session.value?.problem ?? null} />
        {session.value === null ? null : (
          <Suffix.Provider value={session.value.suffix}>
            <Content
              key={`${place.path}?${place.query}`}
              place={place}
              session={session.value}
              state={state}
            />
          </Suffix.Provider>
        )}
      </main>
    </>
  );
};

const Pages = ({ place, letters }: { place: Place; letters: number }) => (
  <nav aria-label="Pages">
    {PAGES.map(([to, name]) => (
      <Link key={to} to={to} current={isCurrent(to, place)}>
        {name}{' '}
        {to === '/letters' && letters > 0 ? (
          <span class="count">
            {countText(letters)}
            <span class="spoken"> waiting</span>
          </span>
        ) : null}
      </Link>
    ))}
  </nav>
);

const isCurrent = (path: string, { path: present }: Place): boolean =>
  path === '/' ? present === '/' : present.startsWith(path);

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
