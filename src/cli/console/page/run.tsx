/** One run: how far it is, how fast, what failed, and in the end its report. */
import { useState } from 'preact/hooks';
import { reasonEntry } from '../../../lib/model/reasons.ts';
import { failures } from '../../../lib/runs/report/problems-html.ts';
import { timePlots } from '../../../lib/runs/report/time-plots.ts';
import { byteText, countOf, countText } from '../../../lib/text/amounts.ts';
import { duration } from '../../../lib/text/duration.ts';
import type { Session, ShownRun } from '../api.ts';
import { ActionDialog } from './action-dialog.tsx';
import { Command, dollarsIn, Figure, Shown } from './parts.tsx';
import { Bar } from './plots.tsx';
import { address, Link } from './router.tsx';
import { post, READ_ONLY, useServer } from './server-data.ts';
import { clock, share } from './words.ts';

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
  const [change, setChange] = useState<Change | null>(null);
  const isOver = run.phase === 'finished' || run.phase === 'cancelled';
  const isStopped = run.phase === 'paused' || run.phase === 'failed';
  if (isOver || READ_ONLY) return null;
  return (
    <div class="buttons">
      {([isStopped ? 'resume' : 'pause', 'cancel'] as const).map((each) => (
        <button
          key={each}
          type="button"
          class={each === 'cancel' ? 'danger-quiet' : ''}
          onClick={() => setChange(each)}
        >
          {CHANGES[each].title}…
        </button>
      ))}
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

type Change = keyof typeof CHANGES;

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
      {progress === null ? null : <Bar done={done} label="Progress of the run" />}
      {run.lines.map((line) => (
        <p key={line} class="amount">
          {line}
        </p>
      ))}
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
      <Drawn run={run} />
    </>
  );
};

/** The report draws the same plots and failures. All that is inserted into them is escaped there. */
const Drawn = ({ run }: { run: ShownRun }) => {
  const { copied, spec } = run;
  const { rule, destination } = spec;
  const drawn = [
    ...(copied.minutes.length === 0 ? [] : [['plots', timePlots(copied.minutes)] as const]),
    ['failures', failures({ copied, spec, stack: null })] as const,
  ];
  return (
    <>
      {drawn.map(([name, { html }]) => (
        <div key={name} class={name} dangerouslySetInnerHTML={{ __html: html }} />
      ))}
      {copied.failed === 0 ? null : (
        <Link to={address('/letters', { rule, destination })}>Its dead letters</Link>
      )}
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
