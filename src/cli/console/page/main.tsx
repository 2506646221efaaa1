/** The frame around all pages. */
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { countText } from '../../../lib/text/amounts.ts';
import type { Session, State } from '../api.ts';
import { concernsIn, headlineOf } from './concerns.ts';
import { DoctorPage } from './doctor.tsx';
import { KeyPage } from './key.tsx';
import { LettersPage } from './letters.tsx';
import { Overview } from './overview.tsx';
import { Shown, Trouble } from './parts.tsx';
import { Link, type Place, usePlace } from './router.tsx';
import { RunPage } from './run.tsx';
import { RunsPage } from './runs.tsx';
import { type Loaded, READ_ONLY, useServer } from './server-data.ts';
import { countIn } from './words.ts';

const PAGES = [
  ['/', 'Overview'],
  ['/letters', 'Dead letters'],
  ['/runs', 'Runs'],
  ['/key', 'A key'],
  ['/doctor', 'Doctor'],
] as const;

const App = () => {
  const place = usePlace();
  const session = useServer<Session>('/api/session');
  const state = useServer<State>('/api/state', 5_000);
  const concerns = state.value === null ? null : concernsIn(state.value);
  const tone = concerns === null || state.problem !== null ? 'plain' : concerns.length === 0 ? 'good' : 'bad';
  const word =
    state.problem !== null ? 'not readable' : concerns === null ? 'reading…' : headlineOf(concerns);
  const page = PAGES.find(([path]) => isCurrent(path, place))?.[1] ?? '';
  useEffect(() => {
    document.title = `${page} · ${session.value?.stack ?? 's3-replicator'}: ${word}`;
  }, [page, word, session.value]);
  const letters = countIn(state.value?.deadLetters.live) ?? 0;
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
        <nav aria-label="Pages">
          {PAGES.map(([path, name]) => (
            <Link key={path} to={path} current={isCurrent(path, place)}>
              {name}{' '}
              {path === '/letters' && letters > 0 ? (
                <span class="count">
                  {countText(letters)}
                  <span class="spoken"> waiting</span>
                </span>
              ) : null}
            </Link>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <h1 class="spoken">{page}</h1>
        <Trouble problem={session.problem ?? session.value?.problem ?? null} />
        {session.value === null ? null : <Page place={place} session={session.value} state={state} />}
      </main>
    </>
  );
};

const isCurrent = (path: string, { path: present }: Place): boolean =>
  path === '/' ? present === '/' : present.startsWith(path);

const Page = ({ place, session, state }: { place: Place; session: Session; state: Loaded<State> }) => {
  const run = /^\/runs\/([\w-]+)$/.exec(place.path)?.[1];
  if (run !== undefined) return <RunPage key={run} id={run} session={session} />;
  switch (place.path) {
    case '/letters':
      return <LettersPage key={place.query.toString()} session={session} place={place} />;
    case '/runs':
      return <RunsPage session={session} place={place} />;
    case '/key':
      return <KeyPage session={session} place={place} />;
    case '/doctor':
      return <DoctorPage />;
    default:
      return (
        <Shown loaded={state} what="the deployment">
          {(value) => <Overview state={value} suffix={session.suffix} />}
        </Shown>
      );
  }
};

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
