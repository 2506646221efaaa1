/** Every destination in one row, and what is under way. */
import type { ComponentChildren } from 'preact';
import {
  type DeploymentState,
  isReadable,
  readableText,
  type RuleState,
} from '../../../lib/state/deployment-state.ts';
import { byteText, countText } from '../../../lib/text/amounts.ts';
import { duration, shortDuration } from '../../../lib/text/duration.ts';
import { concernsIn, headlineOf, listed } from './concerns.ts';
import { Command, Key, Shown, Text } from './parts.tsx';
import { Moving, Sparkline } from './plots.tsx';
import { address, Link } from './router.tsx';
import { type Loaded, READ_ONLY } from './server-data.ts';
import { ago, clock, perSecond, share } from './words.ts';

export const Overview = ({ state }: { state: Loaded<DeploymentState> }) => (
  <Shown loaded={state} what="the deployment">
    {(value) => <Whole state={value} isOld={state.problem !== null} />}
  </Shown>
);

/** `isOld`: the state could not be read again, so nobody knows whether all is well. */
const Whole = ({ state, isOld }: { state: DeploymentState; isOld: boolean }) => (
  <>
    {isOld ? null : <Verdict state={state} />}
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

const Verdict = ({ state }: { state: DeploymentState }) => {
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
            <Text of={text} />{' '}
            {next === null ? null : 'command' in next ? (
              <Command words={next.command} />
            ) : (
              <Link to={next.to}>{next.label}</Link>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
};

const RuleRow = ({ rule, at }: { rule: RuleState; at: string }) => {
  const { pending, failedLastHour: failed, lastVerify } = rule;
  const verified = isReadable(lastVerify) ? lastVerify : null;
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
          amount={readableText(pending, (found) => countText(found.operations))}
          note={readableText(
            pending,
            ({ oldestSeconds }) =>
              oldestSeconds === null ? 'nothing waits' : `oldest ${shortDuration(oldestSeconds)}`,
            '',
          )}
        />
        <Cell
          name="Failed in 1 h"
          amount={readableText(failed, countText)}
          kind={isReadable(failed) && failed > 0 ? 'bad' : ''}
          note={readableText(rule.waiting, (found) =>
            found === 0 ? 'none waits' : `${countText(found)} wait`,
          )}
        />
        <Cell
          name="Verified"
          amount={readableText(lastVerify, (found) =>
            found === null ? 'never' : found.agrees ? 'agrees' : 'differs',
          )}
          kind={verified?.agrees === false ? 'bad' : ''}
          note={
            verified === null ? (
              !READ_ONLY && <Link to={address('/runs', { start: 'verify', rule: rule.rule })}>verify it</Link>
            ) : (
              <Link to={`/runs/${verified.run}`}>{ago(verified.ended, at)}</Link>
            )
          }
        />
      </dl>
    </li>
  );
};

const PlottedCells = ({ rule }: { rule: RuleState }) => {
  const hour = isReadable(rule.lastHour) ? rule.lastHour : null;
  const lags = hour?.lag.map((each) => each?.p99Seconds ?? null) ?? [];
  const operations = hour?.operations ?? [];
  const most = (amounts: readonly (number | null)[]): number => Math.max(0, ...amounts.map(Number));
  return (
    <>
      <Cell
        name="Lag, p50 / p99"
        amount={readableText(rule.lag, (found) =>
          found === null ? '–' : `${shortDuration(found.p50Seconds)} / ${shortDuration(found.p99Seconds)}`,
        )}
        kind="plotted"
        note={
          <Sparkline
            amounts={lags}
            slots={12}
            label={`Last hour: p99 at most ${shortDuration(most(lags))}`}
          />
        }
      />
      <Cell
        name="Throughput"
        amount={readableText(rule.operationsPerSecond, perSecond)}
        beside={readableText(
          rule.bytesPerSecond,
          (found) => (found === 0 ? '' : `${byteText(Math.round(found))}/s`),
          '',
        )}
        kind="plotted"
        note={
          <Sparkline
            amounts={operations}
            slots={60}
            label={`Last hour: at most ${countText(most(operations))} a minute`}
          />
        }
      />
    </>
  );
};

/** One amount of a row, with a note or a plot below. */
const Cell = (given: {
  name: string;
  amount: string;
  beside?: string;
  kind?: 'bad' | 'plotted' | '';
  note: ComponentChildren;
}) => (
  <div class={given.kind ?? ''}>
    <dt>{given.name}</dt>
    <dd>
      {given.amount} <span class="quiet">{given.beside}</span>
    </dd>
    <dd class="quiet">{given.note}</dd>
  </div>
);

const UnderWay = ({ state }: { state: DeploymentState }) => {
  const runs = listed(state.runs);
  const transfers = listed(state.transfers);
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
