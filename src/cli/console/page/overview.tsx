/** Every destination in one row, and what is under way. */
import type { ComponentChildren } from 'preact';
import { byteText, countText } from '../../../lib/text/amounts.ts';
import { duration } from '../../../lib/text/duration.ts';
import type { State } from '../api.ts';
import { concernsIn } from './concerns.ts';
import { Empty, Key, NextStep, Table } from './parts.tsx';
import { Bar, Sparkline } from './plots.tsx';
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
    <Queues state={state} />
    <p class="quiet">
      Read at {clock(state.at)}. Queues and tables are read every five seconds while this page is shown,
      CloudWatch once a minute. Pending work is approximate.
    </p>
  </>
);

const Verdict = ({ state, suffix }: { state: State; suffix: string }) => {
  const concerns = concernsIn(state);
  if (concerns.length === 0)
    return (
      <div class="verdict good">
        <p>
          <strong>All is well.</strong> Every destination keeps up, and nothing waits for a person.
        </p>
      </div>
    );
  return (
    <div class="verdict bad">
      <p>
        <strong>
          {concerns.length === 1 ? 'One thing needs you.' : `${concerns.length} things need you.`}
        </strong>
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
      >
        <Sparkline
          amounts={lags}
          slots={12}
          label={`p99 of the last hour: at most ${short(Math.max(0, ...lags.map(Number)))}`}
        />
      </Cell>
      <Cell
        name="Throughput"
        amount={textOf(rule.operationsPerSecond, perSecond)}
        beside={textOf(rule.bytesPerSecond, (found) => (found === 0 ? '' : bytesPerSecond(found)))}
      >
        <Sparkline
          amounts={operations}
          slots={60}
          label={`Last hour: at most ${countText(Math.max(0, ...operations))} a minute`}
        />
      </Cell>
    </>
  );
};

/** One amount of a row, with a note or a plot below. */
const Cell = (given: {
  name: string;
  amount: string;
  beside?: string;
  isBad?: boolean;
  note?: ComponentChildren;
  children?: ComponentChildren;
}) => (
  <div class={given.children === undefined ? (given.isBad ? 'bad' : '') : 'plotted'}>
    <dt>{given.name}</dt>
    <dd>
      {given.amount} <span class="quiet">{given.beside}</span>
    </dd>
    {given.note === undefined ? null : <dd class="quiet">{given.note}</dd>}
    {given.children === undefined ? null : <dd class="plot">{given.children}</dd>}
  </div>
);

const UnderWay = ({ state }: { state: State }) => {
  const runs = known(state.runs) ? state.runs : [];
  const transfers = known(state.transfers) ? state.transfers : [];
  return (
    <>
      <h2>Under way</h2>
      {runs.length + transfers.length === 0 ? <Empty>No run and no transfer is under way.</Empty> : null}
      <ul class="rows">
        {runs.map((run) => {
          const bytes = share(run.bytesDone, run.bytesInAll);
          const done = bytes ?? share(run.keysDone, run.keysInAll);
          return (
            <li key={run.run} class="moving">
              <Link to={`/runs/${run.run}`}>
                {run.kind} of {run.rule} → {run.destination}
              </Link>
              <Bar done={done} label={`Progress of run ${run.run}`} />
              <span class="amount">
                {run.phase} · {countText(run.keysDone)} keys, {byteText(run.bytesDone)}
                {run.secondsLeft === null ? '' : ` · ${duration(run.secondsLeft)} left`}
              </span>
            </li>
          );
        })}
        {transfers.map((transfer) => (
          <li key={transfer.uploadId} class="moving">
            <Key name={transfer.key} />
            <Bar done={share(transfer.bytesDone, transfer.bytes)} label={`Progress of ${transfer.key}`} />
            <span class="amount">
              {countText(transfer.partsDone)} of {countText(transfer.parts)} parts, {byteText(transfer.bytes)}
              {transfer.secondsLeft === null ? '' : ` · ${duration(transfer.secondsLeft)} left`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
};

const Queues = ({ state }: { state: State }) => (
  <>
    <h2>Queues</h2>
    <Table
      name="Queues"
      heads={['Queue', 'Waiting', 'In flight', 'Delayed', 'Oldest']}
      numbers={[1, 2, 3, 4]}
      rows={[
        ...Object.entries(state.queues),
        ...Object.entries(state.deadLetters).map(([name, queue]) => [`dead: ${name}`, queue] as const),
      ].map(([name, { messages, oldestSeconds }]) => [
        name,
        textOf(messages, ({ visible }) => countText(visible)),
        textOf(messages, ({ inFlight }) => countText(inFlight)),
        textOf(messages, ({ delayed }) => countText(delayed)),
        textOf(oldestSeconds, (seconds) => (seconds === null ? '–' : short(seconds))),
      ])}
    />
  </>
);
