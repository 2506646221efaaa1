/** What keeps the deployment from being well, each with its next step. */
import { isBehind } from '../../../lib/state/verdict.ts';
import { countOf } from '../../../lib/text/amounts.ts';
import type { State } from '../api.ts';
import { ago, known, short } from './words.ts';

export interface Concern {
  text: string;
  /** An address of the page, or a command. */
  next: { to: string; label: string } | { command: string } | null;
}

const DOCTOR = { to: '/doctor', label: 'Ask doctor' };

const when = (holds: boolean, text: string, next: Concern['next']): Concern[] =>
  holds ? [{ text, next }] : [];

/** Returns nothing if all is well, and if all of it can be known. */
export const concernsIn = (state: State): Concern[] => [
  ...deadLetters(state),
  ...state.rules.flatMap((rule) => ruleConcerns(rule, state.at)),
  ...(known(state.runs) ? state.runs : []).flatMap(({ run, kind, rule, destination, failure }) =>
    when(
      failure !== null,
      `The ${kind} of ${rule} → ${destination} failed: ${failure?.reason}.`,
      seeRun(run),
    ),
  ),
  ...(known(state.transfers) ? state.transfers : []).flatMap(({ key, failure }) =>
    when(failure !== null, `The transfer of ${key} failed: ${failure?.reason}. ${failure?.fix}`, null),
  ),
  ...alarms(state),
  ...[...unreadable(state)].map((action) => ({
    text: `You may not ${action}, so a part of this is not known.`,
    next: { command: 'config policy --read-only' },
  })),
];

const seeRun = (run: string): Concern['next'] => ({ to: `/runs/${run}`, label: 'See the run' });

const deadLetters = ({ deadLetters: queues }: State): Concern[] =>
  Object.entries(queues).flatMap(([name, { messages }]) => {
    const count = known(messages) ? messages.visible + messages.inFlight + messages.delayed : 0;
    const waits = count === 1 ? 'waits' : 'wait';
    return name === 'live'
      ? when(count > 0, `${countOf(count, 'dead letter')} ${waits} for a person.`, {
          to: '/letters',
          label: 'See why',
        })
      : when(count > 0, `${countOf(count, 'message')} of ${name} ${waits} in a dead-letter queue.`, DOCTOR);
  });

const ruleConcerns = (rule: State['rules'][number], at: string): Concern[] => {
  const name = `${rule.rule} → ${rule.destination}`;
  const avoided = known(rule.avoided) ? rule.avoided : null;
  const brake = known(rule.brake) ? rule.brake : null;
  const oldest = (known(rule.pending) ? rule.pending.oldestSeconds : null) ?? 0;
  const verified = known(rule.lastVerify) ? rule.lastVerify : null;
  const schedule = known(rule.verify) ? rule.verify : null;
  return [
    ...when(
      avoided !== null,
      `${name} is avoided since ${avoided === null ? '' : ago(avoided.since, at)}: ${avoided?.reason}, ${avoided?.detail}`,
      DOCTOR,
    ),
    ...when(brake?.state === 'closed', `Deletes of ${name} are paused: ${brake?.why}.`, {
      command: 'brake status',
    }),
    // What else makes a rule count as behind is told above, or by its dead letters.
    ...when(
      isBehind({ ...rule, avoided: null, brake: { ...NO_BRAKE }, failedLastHour: 0 }),
      `${name} is behind: its oldest pending work is ${short(oldest)} old.`,
      DOCTOR,
    ),
    ...(verified === null
      ? []
      : when(
          !verified.agrees,
          `${name} differed ${ago(verified.ended, at)}. ${verified.verdict}`,
          seeRun(verified.run),
        )),
    ...when(schedule?.failing === true, `The scheduled verifies of ${name} do not run.`, DOCTOR),
  ];
};

const NO_BRAKE = { state: 'off', since: null, why: null, releasing: false } as const;

/** The alarms about dead letters say what is said already. */
const alarms = ({ alarms: found }: State): Concern[] =>
  (known(found) ? found : []).flatMap(({ alarm, state, command }) => {
    const words = /^npx s3-replicator (.+)$/.exec(command ?? '')?.[1] ?? null;
    const next = words === null ? null : words.startsWith('doctor') ? DOCTOR : { command: words };
    return when(state === 'ALARM' && !alarm.endsWith('dead-letters'), `The alarm ${alarm} is on.`, next);
  });

/** Returns the permissions that are missing, each once. */
const unreadable = (value: unknown, found = new Set<string>()): Set<string> => {
  if (typeof value !== 'object' || value === null) return found;
  if ('notReadable' in value && typeof value.notReadable === 'string') return found.add(value.notReadable);
  for (const each of Object.values(value)) unreadable(each, found);
  return found;
};
