/** The problems of the deployment, each with its next step. */
import {
  type DeploymentState,
  isReadable,
  messagesIn,
  missingPermissions,
  type NotReadable,
  type Readable,
} from '../../../lib/state/deployment-state.ts';
import { isLate } from '../../../lib/state/verdict.ts';
import { countOf } from '../../../lib/text/amounts.ts';
import { shortDuration } from '../../../lib/text/duration.ts';
import { ago } from './words.ts';

export interface Concern {
  text: string;
  /** An address of the page, or a command. */
  next: { to: string; label: string } | { command: string } | null;
}

const DOCTOR = { to: '/doctor', label: 'Ask doctor' };

type Told = readonly [text: string, next: Concern['next']];

/** Returns the concern about a part of the state. Returns no concern if that part cannot be read. */
const told = <Value extends object | number | string | null>(
  value: Readable<Value>,
  tell: (found: NonNullable<Exclude<Value, NotReadable>>) => Told | null,
): Concern[] => {
  const [text, next = null] = (isReadable(value) && value !== null ? tell(value) : null) ?? [];
  return text === undefined ? [] : [{ text, next }];
};

/** Says in a few words how many concerns there are. */
export const headlineOf = ({ length }: readonly Concern[]): string =>
  length === 0 ? 'all is well' : length === 1 ? 'one thing needs you' : `${length} things need you`;

/** Returns no concern if all is well and the whole state can be read. */
export const concernsIn = (state: DeploymentState): Concern[] => [
  ...deadLetters(state),
  ...state.rules.flatMap((rule) => ruleConcerns(rule, state.at)),
  ...listed(state.runs).flatMap(({ run, kind, rule, destination, failure }) =>
    told(failure, ({ reason }) => [
      `The ${kind} of ${rule} → ${destination} failed: ${reason}.`,
      seeRun(run),
    ]),
  ),
  ...listed(state.transfers).flatMap(({ key, failure }) =>
    told(failure, ({ reason, fix }) => [`The transfer of ${key} failed: ${reason}. ${fix}`, null]),
  ),
  ...alarms(state),
  ...told(missingPermissions(state).join(', ') || null, (actions) => [
    `You may not ${actions}, so a part of this is not known.`,
    { command: 'config policy --read-only' },
  ]),
];

/** Returns a list, which is empty if it cannot be read. */
export const listed = <Item>(value: Readable<Item[]>): Item[] => (isReadable(value) ? value : []);

const seeRun = (run: string): Concern['next'] => ({ to: `/runs/${run}`, label: 'See the run' });

const deadLetters = ({ deadLetters: queues }: DeploymentState): Concern[] =>
  Object.entries(queues).flatMap(([name, queue]) =>
    told(messagesIn(queue) || null, (count) => {
      const waits = count === 1 ? 'waits' : 'wait';
      return name === 'live'
        ? [`${countOf(count, 'dead letter')} ${waits} for a person.`, { to: '/letters', label: 'See why' }]
        : [`${countOf(count, 'message')} of ${name} ${waits} in a dead-letter queue.`, DOCTOR];
    }),
  );

const ruleConcerns = (rule: DeploymentState['rules'][number], at: string): Concern[] => {
  const name = `${rule.rule} → ${rule.destination}`;
  return [
    ...told(rule.avoided, ({ since, reason, detail }) => [
      `${name} is avoided since ${ago(since, at)}: ${reason}, ${detail}`,
      DOCTOR,
    ]),
    ...told(rule.brake, ({ state, why }) =>
      state === 'closed' ? [`Deletes of ${name} are paused: ${why}.`, { command: 'brake status' }] : null,
    ),
    ...told(rule.pending, ({ oldestSeconds }) =>
      isLate(rule)
        ? [`${name} is behind: its oldest pending work is ${shortDuration(oldestSeconds ?? 0)} old.`, DOCTOR]
        : null,
    ),
    ...told(rule.lastVerify, ({ agrees, ended, verdict, run }) =>
      agrees ? null : [`${name} differed ${ago(ended, at)}. ${verdict}`, seeRun(run)],
    ),
    ...told(rule.verify, ({ last }) =>
      last?.kind === 'refused'
        ? [`The scheduled verify of ${name} was not started: ${last.detail}.`, DOCTOR]
        : null,
    ),
  ];
};

/** Alarms about dead letters are left out, because another concern already reports the dead letters. */
const alarms = ({ alarms: found }: DeploymentState): Concern[] =>
  listed(found)
    .filter(({ alarm, state }) => state === 'ALARM' && !alarm.endsWith('dead-letters'))
    .map(({ alarm, command }) => {
      const words = /^npx s3-replicator (.+)$/.exec(command ?? '')?.[1] ?? null;
      const next = words === null ? null : words.startsWith('doctor') ? DOCTOR : { command: words };
      return { text: `The alarm ${alarm} is on.`, next };
    });
