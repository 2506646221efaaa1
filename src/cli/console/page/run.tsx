/** One run: how far it is, how fast, what failed, and in the end its report. */
import { useState } from 'preact/hooks';
import { ALL_REASONS, reasonEntry } from '../../../lib/model/reasons.ts';
import { timePlots } from '../../../lib/runs/report/time-plots.ts';
import { byteText, countOf, countText } from '../../../lib/text/amounts.ts';
import { duration } from '../../../lib/text/duration.ts';
import type { Session, ShownRun } from '../api.ts';
import { ActionDialog } from './action-dialog.tsx';
import { Command, dollarsIn, Figure, Key, Shown } from './parts.tsx';
import { Bar } from './plots.tsx';
import { address, Link } from './router.tsx';
import { post, READ_ONLY, useServer } from './server-data.ts';
import { bytesPerSecond, clock, perSecond, share } from './words.ts';

export const RunPage = ({ id, session }: { id: string; session: Session }) => {
  const loaded = useServer<ShownRun>(`/api/runs/${id}`, 5_000);
  return (
    <>
      <p>
        <Link to="/runs">All runs</Link>
      </p>
      <Shown loaded={loaded} what="the run">
        {(run) => <Run run={run} session={session} reload={loaded.reload} />}
      </Shown>
    </>
  );
};

const Run = ({ run, session, reload }: { run: ShownRun; session: Session; reload: () => void }) => (
  <>
    <h2>{run.title}</h2>
    <p class="quiet">
      {run.id}, began {clock(run.createdMs)}
    </p>
    <Standing run={run} />
    <Controls run={run} suffix={session.suffix} reload={reload} />
    {run.phase === 'finished' ? <Report run={run} /> : <Live run={run} />}
  </>
);

const Standing = ({ run }: { run: ShownRun }) => {
  const { phase, failure, verdict, agrees } = run;
  const tone = failure !== null || agrees === false ? 'bad' : agrees === true ? 'good' : 'plain';
  return (
    <div class={`verdict ${tone}`} aria-live="polite">
      <p>
        <strong>{phase === 'finished' ? (agrees ? 'Agrees.' : 'Differs.') : `${phase}.`}</strong>{' '}
        {verdict ??
          (phase === 'paused'
            ? `Paused while ${run.work}. It keeps other runs over its keys from beginning.`
            : '')}
        {failure === null ? '' : `${failure.reason}: ${failure.detail}. ${reasonEntry(failure.reason).fix}`}
      </p>
    </div>
  );
};

const Controls = ({ run, suffix, reload }: { run: ShownRun; suffix: string; reload: () => void }) => {
  const [change, setChange] = useState<'pause' | 'resume' | 'cancel' | null>(null);
  const isOver = run.phase === 'finished' || run.phase === 'cancelled';
  const isStopped = run.phase === 'paused' || run.phase === 'failed';
  if (isOver || READ_ONLY) return null;
  return (
    <div class="buttons">
      {isStopped ? (
        <button type="button" class="primary" onClick={() => setChange('resume')}>
          Resume…
        </button>
      ) : (
        <button type="button" onClick={() => setChange('pause')}>
          Pause…
        </button>
      )}
      <button type="button" class="danger-quiet" onClick={() => setChange('cancel')}>
        Cancel the run…
      </button>
      <details>
        <summary>As a command</summary>
        <Command words={`backfill status ${run.id} --wait`} suffix={suffix} />
      </details>
      {change === null ? null : (
        <ActionDialog
          title={`${CHANGES[change].title} ${run.id}`}
          verb={CHANGES[change].title}
          isDangerous={change === 'cancel'}
          send={async () => {
            const { phase } = await post<{ phase: string }>(`/api/runs/${run.id}/${change}`, {});
            return `The run is ${phase} now.`;
          }}
          onClose={(isDone) => {
            setChange(null);
            if (isDone) reload();
          }}
        >
          <p>{CHANGES[change].means}</p>
        </ActionDialog>
      )}
    </div>
  );
};

const CHANGES = {
  pause: {
    title: 'Pause',
    means: 'The run stops after the work that is under way, and continues there when it is resumed.',
  },
  resume: { title: 'Resume', means: 'The run continues where it stopped.' },
  cancel: {
    title: 'Cancel',
    means:
      'A cancelled run cannot be resumed. Its copies stay. Another run over the same keys can begin afterwards.',
  },
} as const;

const Live = ({ run }: { run: ShownRun }) => {
  const { progress, copied, used, createdMs, endedMs } = run;
  const done = progress === null ? null : share(progress.keys.done, progress.keys.total);
  return (
    <>
      {progress === null ? null : (
        <>
          <Bar done={done} label="Progress of the run" />
          <p class="amount">
            {countText(progress.keys.done)}
            {progress.keys.total === null ? '' : ` of ${countText(progress.keys.total)}`} keys,{' '}
            {byteText(progress.bytes.done)}
            {progress.bytes.total === null ? '' : ` of ${byteText(progress.bytes.total)}`}
            {progress.keys.perSecond === null ? '' : ` · ${perSecond(progress.keys.perSecond)}`}
            {progress.bytes.perSecond === null ? '' : ` · ${bytesPerSecond(progress.bytes.perSecond)}`}
            {progress.secondsLeft === null ? '' : ` · ${duration(progress.secondsLeft)} left`}
          </p>
          <p class="quiet">
            Waits for {countText(progress.waitsFor.count)}{' '}
            {progress.waitsFor.what === 'ranges' ? 'ranges of keys' : 'keys'}
            {progress.lastActivity === null ? '' : `, last activity ${clock(progress.lastActivity)}`}
            {progress.nextCheck === null ? '' : `, acts by itself at ${clock(progress.nextCheck)}`}.
          </p>
        </>
      )}
      <dl class="figures">
        <Figure name="Copied" amount={byteText(copied.bytes)} note={countOf(copied.copies, 'version')} />
        <Figure name="Failed" amount={countText(copied.failed)} note="keys" />
        <Figure
          name="Duration"
          amount={duration(((endedMs ?? Date.now()) - createdMs) / 1_000)}
          note="so far"
        />
        <Figure name="Cost" amount={dollarsIn(used)} note="calculated, without storage" />
      </dl>
      {copied.minutes.length === 0 ? null : <Plots minutes={copied.minutes} />}
      <Failures run={run} />
    </>
  );
};

/** The report draws the same plots. All that is inserted into them is escaped there. */
const Plots = ({ minutes }: { minutes: ShownRun['copied']['minutes'] }) => (
  <div class="plots" dangerouslySetInnerHTML={{ __html: timePlots(minutes).html }} />
);

const Failures = ({ run }: { run: ShownRun }) => {
  const { copied, spec } = run;
  const failed = ALL_REASONS.flatMap((reason) => {
    const count = copied.reasons[reason] ?? 0;
    return count === 0 ? [] : [[reason, count] as const];
  });
  if (failed.length === 0) return null;
  return (
    <>
      <h2>Failures by reason</h2>
      <ul class="rows">
        {failed.map(([reason, count]) => (
          <li key={reason} class="problem">
            <h3>
              <code>{reason}</code> <span class="quiet">{countOf(count, 'key')}</span>
            </h3>
            {copied.examples[reason] === undefined ? null : (
              <p>
                <Key name={copied.examples[reason]} />
              </p>
            )}
            <p>{reasonEntry(reason).fix}</p>
            <Link to={address('/letters', { reason, rule: spec.rule, destination: spec.destination })}>
              Its dead letters
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
};

/** The frame is as high as the report, so that only the page scrolls. */
const Report = ({ run }: { run: ShownRun }) => (
  <>
    <p>
      <a href={`/api/runs/${run.id}/report`} target="_blank">
        The report alone
      </a>
      {run.reportFolder === null ? null : (
        <span class="quiet">
          {' '}
          and in <code>{run.reportFolder}</code>
        </span>
      )}
    </p>
    <iframe
      class="report"
      title={`Report of run ${run.id}`}
      sandbox="allow-same-origin"
      src={`/api/runs/${run.id}/report`}
      onLoad={({ currentTarget: frame }) => {
        const height = frame.contentDocument?.documentElement.scrollHeight ?? 0;
        if (height > 0) frame.style.height = `${height + 40}px`;
      }}
    />
  </>
);
