/** The runs of backfill and verify, newest first. */
import { countText } from '../../../lib/text/amounts.ts';
import { duration } from '../../../lib/text/duration.ts';
import type { RunList, Session } from '../api.ts';
import { Shown } from './parts.tsx';
import { Moving } from './plots.tsx';
import { Link, type Place } from './router.tsx';
import { RunPage } from './run.tsx';
import { StartForm } from './run-form.tsx';
import { READ_ONLY, useServer } from './server-data.ts';
import { ago, share } from './words.ts';

export const RunsPage = ({ session, place }: { session: Session; place: Place }) => {
  const run = place.path.split('/')[2];
  return run === undefined ? <Runs session={session} place={place} /> : <RunPage key={run} id={run} />;
};

const Runs = ({ session, place }: { session: Session; place: Place }) => {
  const loaded = useServer<RunList>('/api/runs?limit=50', 5_000);
  const kind = place.query.get('start');
  return (
    <>
      {READ_ONLY ? null : (
        <p class="buttons">
          <Link class="button" to="/runs?start=backfill">
            Start a backfill…
          </Link>
          <Link class="button" to="/runs?start=verify">
            Start a verify…
          </Link>
        </p>
      )}
      {kind === null || READ_ONLY ? null : (
        <StartForm
          kind={kind === 'verify' ? 'verify' : 'backfill'}
          rule={place.query.get('rule')}
          session={session}
        />
      )}
      <Shown loaded={loaded} what="the runs">
        {(runs) =>
          runs.length === 0 ? (
            <p class="empty">
              No run was started yet. A backfill replicates what was in the source bucket before.
            </p>
          ) : (
            <ul class="rows">
              {runs.map((run) => (
                <RunRow key={run.id} run={run} />
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
};

const RunRow = ({ run }: { run: RunList[number] }) => {
  const { id, title, phase, progress, createdMs, endedMs } = run;
  const look = run.checked ?? run.compared;
  const done = progress === null ? null : share(progress.keys.done, progress.keys.total);
  const tone = phase === 'failed' ? 'bad' : phase === 'paused' ? 'waits' : '';
  return (
    <Moving
      name={
        <>
          <Link to={`/runs/${id}`}>{title}</Link>
          <span class="quiet run-id">{id}</span>
        </>
      }
      label={`Progress of run ${id}`}
      done={done}
      isOver={progress === null}
    >
      <span class={`phase ${tone}`}>{phase}</span>
      {look === null ? '' : ` · ${countText(look.keys)} keys`} ·{' '}
      {ago(new Date(createdMs).toISOString(), Date.now())}
      {endedMs === null ? '' : `, took ${duration((endedMs - createdMs) / 1_000)}`}
    </Moving>
  );
};
