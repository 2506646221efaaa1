/** One run: how far it is, how fast, what failed, and in the end its report. */
import { useState } from 'preact/hooks';
import { reasonEntry } from '../../../lib/model/reasons.ts';
import { figures } from '../../../lib/runs/report/html-parts.ts';
import { failures } from '../../../lib/runs/report/problems-html.ts';
import { timePlots } from '../../../lib/runs/report/time-plots.ts';
import { byteText, countOf, countText, dollarText, sumOf } from '../../../lib/text/amounts.ts';
import { duration } from '../../../lib/text/duration.ts';
import { printable } from '../../../lib/text/printable.ts';
import type { ShownRun } from '../api.ts';
import { ActionDialog } from './action-dialog.tsx';
import { Command, Drawn, Shown } from './parts.tsx';
import { Bar } from './plots.tsx';
import { address, Link, toContent } from './router.tsx';
import { post, READ_ONLY, useServer } from './server-data.ts';
import { clock, share } from './words.ts';

export const RunPage = ({ id }: { id: string }) => {
  const loaded = useServer<ShownRun>(`/api/runs/${id}`, 5_000);
  return (
    <>
      <p>
        <Link to="/runs">All runs</Link>
      </p>
      <Shown loaded={loaded} what="the run">
        {(run) => <Run run={run} reload={loaded.reload} />}
      </Shown>
    </>
  );
};

const Run = ({ run, reload }: { run: ShownRun; reload: () => void }) => (
  <>
    <h2>{run.title}</h2>
    <p class="quiet">
      {run.id}, began {clock(run.createdMs)}
    </p>
    <Standing run={run} />
    <Controls run={run} reload={reload} />
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
            ? `It stopped while ${run.work}, and keeps other runs over its keys from beginning.`
            : '')}
        {failure === null
          ? ''
          : `${failure.reason}: ${printable(failure.detail)}. ${reasonEntry(failure.reason).fix}`}
      </p>
    </div>
  );
};

const Controls = ({ run, reload }: { run: ShownRun; reload: () => void }) => {
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
        <Command words={`backfill status ${run.id} --wait`} />
      </details>
      {change === null ? null : (
        <ActionDialog
          title={`${CHANGES[change].title} ${run.id}`}
          verb={`${CHANGES[change].title} the run`}
          isDangerous={change === 'cancel'}
          send={async () => {
            const { phase } = await post<{ phase: string }>(`/api/runs/${run.id}/${change}`, {});
            return `The run is ${phase} now.`;
          }}
          onClose={(isDone) => {
            setChange(null);
            if (isDone) toContent(reload);
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
  const seconds = ((endedMs ?? Date.now()) - createdMs) / 1_000;
  return (
    <>
      {progress === null ? null : (
        <Bar done={share(progress.keys.done, progress.keys.total)} label="Progress of the run" />
      )}
      {run.lines.map((line) => (
        <p key={line} class="amount">
          {line}
        </p>
      ))}
      <Drawn
        html={figures([
          ['Copied', byteText(copied.bytes), countOf(copied.copies, 'version')],
          ['Failed', countText(copied.failed), 'keys'],
          ['Duration', duration(seconds), 'so far'],
          ['Cost', dollarText(sumOf(used.dollars)), 'calculated, without storage'],
        ])}
      />
      {copied.minutes.length === 0 ? null : <Drawn html={timePlots(copied.minutes)} class="plots" />}
      <Drawn html={failures({ ...run, stack: null })} />
      {copied.failed === 0 ? null : (
        <Link to={address('/letters', { rule: run.spec.rule, destination: run.spec.destination })}>
          Its dead letters
        </Link>
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
        const fit = (): void => {
          const height = frame.contentDocument?.body.scrollHeight ?? 0;
          if (height > 0) frame.style.height = `${height + 40}px`;
        };
        fit();
        // A section of the report was opened or closed.
        frame.contentDocument?.addEventListener('toggle', fit, true);
      }}
    />
  </>
);
