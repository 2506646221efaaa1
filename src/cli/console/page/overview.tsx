/** Every destination in one row, and what is under way. */
import type { ComponentChildren } from 'preact';
import { byteText, countText } from '../../../lib/text/amounts.ts';
import { duration } from '../../../lib/text/duration.ts';
import type { State } from '../api.ts';
import { concernsIn, headlineOf } from './concerns.ts';
import { Key, NextStep } from './parts.tsx';
import { Moving, Sparkline } from './plots.tsx';
import { address, Link } from './router.tsx';
import { ago, bytesPerSecond, clock, known, perSecond, share, short, textOf } from './words.ts';

export const Overview = ({ state, suffix }: { state: State; suffix: string }) => (
  <>
    <Verdict state={state} suffix={suffix} />
    <h2>Destinations</h2>
    <ul class="rows">
      {state.rules.map((rule) => (
        <RuleRow key={`${rule.rule} ${rule.destination}`} rule={rule} at={state.at} />
      ))}
    </ul>
    <UnderWay state={state} />
    <p class="quiet">
      Read at {clock(state.at)}. Queues and tables are read every five seconds while this page is shown,
      CloudWatch once a minute. Pending work is approximate.
    </p>
  </>
);

const Verdict = ({ state, suffix }: { state: State; suffix: string }) => {
  const concerns = concernsIn(state);
  return (
    <div class={`verdict ${concerns.length === 0 ? 'good' : 'bad'}`}>
      <p>
        <strong>{headlineOf(concerns)}.</strong>
        {concerns.length === 0 ? ' Every destination keeps up, and nothing waits for a person.' : ''}
      </p>
      <ul class="concerns">
        {concerns.map(({ text, next }) => (
          <li key={text}>
            <span>{text}</span> <NextStep next={next} suffix={suffix} />
          </li>
        ))}
      </ul>
    </div>
  );
};

type Rule = State['rules'][number];

const RuleRow = ({ rule, at }: { rule: Rule; at: string }) => {
  const { pending, failedLastHour: failed, lastVerify } = rule;
  const verified = known(lastVerify) ? lastVerify : null;
  return (
    <li class="rule">
      <div>
        <h3>
          {rule.rule} <span class="arrow">→</span> {rule.destination}
        </h3>
        <p class="quiet">
          {rule.sourceBucket} → {rule.destinationBucket}
        </p>
      </div>
      <dl>
        <PlottedCells rule={rule} />
        <Cell
          name="Pending"
          amount={textOf(pending, (found) => countText(found.operations))}
          note={textOf(pending, ({ oldestSeconds }) =>
            oldestSeconds === null ? 'nothing waits' : `oldest ${short(oldestSeconds)}`,
          )}
        />
        <Cell
          name="Failed in 1 h"
          amount={textOf(failed, countText)}
          isBad={known(failed) && failed > 0}
          note={textOf(rule.waiting, (found) => (found === 0 ? 'none waits' : `${countText(found)} wait`))}
        />
        <Cell
          name="Verified"
          amount={textOf(lastVerify, (found) =>
            found === null ? 'never' : found.agrees ? 'agrees' : 'differs',
          )}
          isBad={verified?.agrees === false}
          note={
            verified === null ? (
              <Link to={address('/runs', { start: 'verify', rule: rule.rule })}>verify it</Link>
            ) : (
              <Link to={`/runs/${verified.run}`}>{ago(verified.ended, at)}</Link>
            )
          }
        />
      </dl>
    </li>
  );
};

const PlottedCells = ({ rule }: { rule: Rule }) => {
  const hour = known(rule.lastHour) ? rule.lastHour : null;
  const lags = hour?.lag.map((each) => each?.p99Seconds ?? null) ?? [];
  const operations = hour?.operations ?? [];
  return (
    <>
      <Cell
        name="Lag, p50 / p99"
        amount={textOf(rule.lag, (found) =>
          found === null ? '–' : `${short(found.p50Seconds)} / ${short(found.p99Seconds)}`,
        )}
        plot={[lags, 12, `p99 of the last hour: at most ${short(Math.max(0, ...lags.map(Number)))}`]}
      />
      <Cell
        name="Throughput"
        amount={textOf(rule.operationsPerSecond, perSecond)}
        beside={textOf(rule.bytesPerSecond, (found) => (found === 0 ? '' : bytesPerSecond(found)))}
        plot={[operations, 60, `Last hour: at most ${countText(Math.max(0, ...operations))} a minute`]}
      />
    </>
  );
};

/** One amount of a row, with a note or a plot below. */
const Cell = ({
  name,
  amount,
  beside,
  isBad,
  note,
  plot,
}: {
  name: string;
  amount: string;
  beside?: string;
  isBad?: boolean;
  note?: ComponentChildren;
  plot?: readonly [amounts: readonly (number | null)[], slots: number, label: string];
}) => (
  <div class={plot ? 'plotted' : isBad ? 'bad' : ''}>
    <dt>{name}</dt>
    <dd>
      {amount} <span class="quiet">{beside}</span>
    </dd>
    {note ? <dd class="quiet">{note}</dd> : null}
    {plot ? (
      <dd class="plot">
        <Sparkline amounts={plot[0]} slots={plot[1]} label={plot[2]} />
      </dd>
    ) : null}
  </div>
);

const UnderWay = ({ state }: { state: State }) => {
  const runs = known(state.runs) ? state.runs : [];
  const transfers = known(state.transfers) ? state.transfers : [];
  if (runs.length + transfers.length === 0) return null;
  const left = (seconds: number | null): string => (seconds === null ? '' : ` · ${duration(seconds)} left`);
  return (
    <>
      <h2>Under way</h2>
      <ul class="rows">
        {runs.map((run) => (
          <Moving
            key={run.run}
            name={
              <Link to={`/runs/${run.run}`}>
                {run.kind} of {run.rule} → {run.destination}
              </Link>
            }
            label={`Progress of run ${run.run}`}
            done={share(run.bytesDone, run.bytesInAll) ?? share(run.keysDone, run.keysInAll)}
          >
            {run.phase} · {countText(run.keysDone)} keys, {byteText(run.bytesDone)}
            {left(run.secondsLeft)}
          </Moving>
        ))}
        {transfers.map(({ uploadId, key, bytesDone, bytes, partsDone, parts, secondsLeft }) => (
          <Moving
            key={uploadId}
            name={<Key name={key} />}
            label={`Progress of ${key}`}
            done={share(bytesDone, bytes)}
          >
            {countText(partsDone)} of {countText(parts)} parts, {byteText(bytes)}
            {left(secondsLeft)}
          </Moving>
        ))}
      </ul>
    </>
  );
};
