/** Starts a run: what to compare, then the estimate, then the start. */
import { useState } from 'preact/hooks';
import { countOf } from '../../../lib/text/amounts.ts';
import type { EstimatedRuns, Problem, Session } from '../api.ts';
import { ActionDialog } from './action-dialog.tsx';
import { Choice, Said, TextField, Trouble } from './parts.tsx';
import { go, Link } from './router.tsx';
import { post, problemIn } from './server-data.ts';

interface Given {
  kind: 'backfill' | 'verify';
  rule: string | null;
  session: Session;
}

const SWITCHES = ['dry-run', 'repair', 'delete-extra'] as const;

export const StartForm = ({ kind, rule: preset, session }: Given) => {
  const [rule, setRule] = useState(preset ?? session.rules[0]?.id ?? '');
  const [estimated, setEstimated] = useState<EstimatedRuns | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const estimate = async (form: HTMLFormElement): Promise<void> => {
    const given = new FormData(form);
    const fields: Record<string, unknown> = Object.fromEntries(given);
    for (const name of SWITCHES) fields[name] = given.has(name);
    setBusy(true);
    setProblem(null);
    setEstimated(null);
    await post<EstimatedRuns>('/api/runs/estimate', { ...fields, kind }).then(
      setEstimated,
      (error: unknown) => setProblem(problemIn(error)),
    );
    setBusy(false);
  };
  return (
    <section class="panel" aria-label={`Start a ${kind}`}>
      <h2>{kind === 'backfill' ? 'Replicate what was there before' : 'Find out whether both sides agree'}</h2>
      <form
        class="filter"
        onInput={({ currentTarget }) => {
          setEstimated(null);
          setRule(String(new FormData(currentTarget).get('rule')));
        }}
        onSubmit={(event) => {
          event.preventDefault();
          void estimate(event.currentTarget);
        }}
      >
        <RunFields kind={kind} rule={rule} session={session} />
        <div class="buttons">
          <button class="primary" disabled={isBusy || rule === ''}>
            {isBusy ? 'Estimating…' : 'Estimate'}
          </button>
          <Link to="/runs">Leave it</Link>
        </div>
      </form>
      <div aria-live="polite">
        <Trouble problem={problem} />
        {isBusy ? <p class="quiet">A sample of the source bucket is listed.</p> : null}
        {estimated === null ? null : <Estimate estimated={estimated} />}
      </div>
    </section>
  );
};

const RunFields = ({ kind, rule, session: { rules } }: Given) => {
  const chosen = rules.find(({ id }) => id === rule);
  return (
    <>
      <Choice name="rule" label="Rule" names={rules.map(({ id }) => id)} value={rule} />
      <Choice name="destination" label="Destination" none="each of them" names={chosen?.destinations ?? []} />
      <TextField name="prefix" label="Key begins with" hint={chosen?.prefix ?? ''} />
      <TextField name="since" label="Written since" hint="2026-11-01T00:00Z" />
      <Choice name="versions" label="Versions" none="as the rule says" names={['latest', 'all']} />
      <Choice name="attributes" label="Attributes" none="as listed" names={['listed', 'all']} />
      {kind === 'backfill' ? (
        <Switch name="dry-run" label="Only show what would be replicated" />
      ) : (
        <>
          <Switch name="repair" label="Replicate what differs" />
          {chosen?.deletes ? <Switch name="delete-extra" label="Delete replicas without a source" /> : null}
        </>
      )}
    </>
  );
};

const Switch = ({ name, label }: { name: string; label: string }) => (
  <label class="switch">
    <input type="checkbox" name={name} /> {label}
  </label>
);

const Estimate = ({ estimated }: { estimated: EstimatedRuns }) => {
  const [isStarting, setStarting] = useState(false);
  const [started, setStarted] = useState<string[]>([]);
  const { runs, ticket } = estimated;
  return (
    <div class="estimate">
      {runs.map(({ title, from, to, lines }) => (
        <div key={title}>
          <h3>{title}</h3>
          <p class="key">
            {from} → {to}
          </p>
          {lines.length === 0 ? null : <Said text={lines.join('\n')} />}
        </div>
      ))}
      <button type="button" class="primary" onClick={() => setStarting(true)}>
        {runs.length === 1 ? 'Start' : `Start these ${runs.length} runs`}
      </button>
      {isStarting ? (
        <ActionDialog
          title={runs.length === 1 ? (runs[0]?.title ?? '') : `${runs.length} runs`}
          verb="Start"
          first={{ ticket, yes: true }}
          send={async (answers) => {
            const { runs: ids } = await post<{ runs: string[] }>('/api/runs/start', answers);
            setStarted(ids);
            return `${countOf(ids.length, 'run')} started.`;
          }}
          onClose={(isDone) => {
            setStarting(false);
            if (isDone) go(started.length === 1 ? `/runs/${started[0]}` : '/runs');
          }}
        >
          <p>
            Objects that are already replicated cost only their listing. The run can be paused and cancelled.
          </p>
        </ActionDialog>
      ) : null}
    </div>
  );
};
