/** What keeps the deployment from being well, each with its next step. */
import { isReadable } from '../../../lib/state/deployment-state.ts';
import { countOf } from '../../../lib/text/amounts.ts';
import type { State } from '../api.ts';
import { address } from './router.tsx';
import { ago, short } from './words.ts';

export interface Concern {
  text: string;
  /** An address of the page, or a command. */
  next: { to: string; label: string } | { command: string } | null;
}

/** Returns nothing if all is well. */
export const concernsIn = (state: State): Concern[] => [
  ...deadLetters(state),
  ...state.rules.flatMap((rule) => ruleConcerns(rule, state.at)),
  ...runConcerns(state),
  ...(isReadable(state.transfers)
    ? state.transfers.flatMap(({ key, failure }): Concern[] =>
        failure === null
          ? []
          : [{ text: `The transfer of ${key} failed: ${failure.reason}. ${failure.fix}`, next: null }],
      )
    : []),
  ...alarms(state),
];

const deadLetters = ({ deadLetters: queues }: State): Concern[] => {
  const { messages } = queues.live;
  const count = isReadable(messages) ? messages.visible + messages.inFlight + messages.delayed : 0;
  if (count === 0) return [];
  const text = `${countOf(count, 'dead letter')} ${count === 1 ? 'waits' : 'wait'} for a person.`;
  return [{ text, next: { to: '/letters', label: 'See why' } }];
};

const ruleConcerns = (rule: State['rules'][number], at: string): Concern[] => {
  const name = `${rule.rule} → ${rule.destination}`;
  const { avoided, brake, pending, lastVerify } = rule;
  return [
    ...(isReadable(avoided) && avoided !== null
      ? [
          {
            text: `${name} is avoided since ${ago(avoided.since, at)}: ${avoided.reason}, ${avoided.detail}`,
            next: { to: '/doctor', label: 'Ask doctor' },
          },
        ]
      : []),
    ...(isReadable(brake) && brake.state === 'closed'
      ? [
          {
            text: `Deletes of ${name} are paused: ${brake.why ?? 'too many of them'}.`,
            next: { command: 'brake status' },
          },
        ]
      : []),
    ...(isReadable(pending) && (pending.oldestSeconds ?? 0) >= 300
      ? [
          {
            text: `${name} is behind: its oldest pending work is ${short(pending.oldestSeconds ?? 0)} old.`,
            next: { to: '/doctor', label: 'Ask doctor' },
          },
        ]
      : []),
    ...(isReadable(lastVerify) && lastVerify !== null && !lastVerify.agrees
      ? [
          {
            text: `${name} differed ${ago(lastVerify.ended, at)}. ${lastVerify.verdict}`,
            next: { to: `/runs/${lastVerify.run}`, label: 'See the run' },
          },
        ]
      : []),
  ];
};

const runConcerns = ({ runs }: State): Concern[] =>
  isReadable(runs)
    ? runs.flatMap(({ run, kind, rule, destination, failure }): Concern[] =>
        failure === null
          ? []
          : [
              {
                text: `The ${kind} of ${rule} → ${destination} failed: ${failure.reason}.`,
                next: { to: `/runs/${run}`, label: 'See the run' },
              },
            ],
      )
    : [];

/** The alarms about dead letters say what is said already. */
const alarms = ({ alarms: found }: State): Concern[] =>
  isReadable(found)
    ? found
        .filter(({ alarm, state }) => state === 'ALARM' && !alarm.endsWith('dead-letters'))
        .map(({ alarm, command }): Concern => {
          const words = /^npx s3-replicator (.+)$/.exec(command ?? '')?.[1];
          return {
            text: `The alarm ${alarm} is on.`,
            next: words === undefined ? null : nextOf(words),
          };
        })
    : [];

/** The pages that show what a command shows. */
const PAGES: readonly (readonly [command: string, path: string, label: string])[] = [
  ['dlq list', '/letters', 'See the dead letters'],
  ['doctor', '/doctor', 'Ask doctor'],
  ['backfill list', '/runs', 'See the runs'],
];

const nextOf = (words: string): Concern['next'] => {
  const page = PAGES.find(([command]) => words.startsWith(command));
  return page === undefined ? { command: words } : { to: address(page[1], {}), label: page[2] };
};
