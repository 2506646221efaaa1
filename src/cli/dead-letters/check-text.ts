import type { DeadMessage } from '../../lib/dead-letters/dead-message.ts';
import type { OperatorQueue } from '../../lib/dead-letters/queue.ts';
import type { MessageCheck, Verdict } from '../../lib/inspect/check.ts';
import { countText } from '../../lib/text/amounts.ts';
import { printable } from '../../lib/text/printable.ts';
import { shellWord } from '../../lib/text/shell.ts';
import { tableLines } from '../terminal/table.ts';
import { letterCount } from './dead-letter-text.ts';

/** A letter and the result of its check. `dlq check --json` prints this shape, so the names must not change. */
export type CheckedLetter = MessageCheck &
  Pick<DeadMessage, 'id' | 'reason' | 'rule' | 'destination' | 'bucket' | 'key' | 'version'>;

export const countsOf = (letters: readonly CheckedLetter[]): Record<Verdict | 'checked', number> => {
  const count = (verdict: Verdict): number => letters.filter((each) => each.verdict === verdict).length;
  return {
    checked: letters.length,
    fails: count('fails'),
    acts: count('acts'),
    ends: count('ends'),
    unclear: count('unclear'),
  };
};

const VERDICTS: Readonly<Record<Verdict, string>> = {
  fails: 'would fail',
  unclear: 'unclear',
  acts: 'would succeed',
  ends: 'nothing to do',
};

/** The data that the text needs besides the letters. */
export interface CheckPlace {
  queue: Pick<OperatorQueue, 'name' | 'region'>;
  columns: number;
  command(words: string): string;
}

export const checkLines = (letters: readonly CheckedLetter[], place: CheckPlace): string[] => {
  const { name, region } = place.queue;
  if (letters.length === 0) return [`No dead letter to check in ${name} (${region}).`];
  const { fails, acts, ends, unclear } = countsOf(letters);
  const answer = [
    ...(fails > 0 ? [`${countText(fails)} would fail again`] : ['none would fail']),
    ...(acts > 0 ? [`${countText(acts)} would succeed`] : []),
    ...(ends > 0 ? [`${countText(ends)} have nothing left to do`] : []),
    ...(unclear > 0 ? [`${countText(unclear)} are unclear`] : []),
  ].join(', ');
  return [
    `${letterCount(letters.length)} checked in ${name} (${region}): ${answer}`,
    ...tableOf(letters, place),
    ...nextLines(letters, place),
  ];
};

const tableOf = (letters: readonly CheckedLetter[], { columns }: CheckPlace): string[] => {
  const groups = [...Map.groupBy(letters, groupName).values()].toSorted(
    (one, other) => orderOf(one) - orderOf(other) || other.length - one.length,
  );
  const [header = '', ...rows] = tableLines(
    [
      'NOW',
      { title: 'REASON', least: 8 },
      { title: 'WAS', least: 8 },
      { title: 'MSGS', align: 'right' },
      { title: 'RULE → DESTINATION', least: 18 },
      { title: 'EXAMPLE', least: 16, isOptional: true },
    ],
    groups.map((group) => {
      const [first] = group;
      return first === undefined
        ? []
        : [
            VERDICTS[first.verdict],
            first.what,
            first.reason,
            countText(group.length),
            `${printable(first.rule ?? '-')} → ${printable(first.destination ?? '-')}`,
            printable(first.key ?? '-'),
          ];
    }),
    columns,
  );
  return [
    header,
    ...rows.flatMap((row, index) => {
      const detail = groups[index]?.[0]?.detail ?? null;
      return detail === null ? [row] : [row, `   ${printable(detail)}`];
    }),
  ];
};

const groupName = ({ verdict, what, reason, rule, destination }: CheckedLetter): string =>
  JSON.stringify([verdict, what, reason, rule, destination]);

const orderOf = ([first]: readonly CheckedLetter[]): number =>
  first === undefined ? 0 : Object.keys(VERDICTS).indexOf(first.verdict);

/** Names the reasons whose letters would all succeed or have nothing to do. */
const nextLines = (letters: readonly CheckedLetter[], { command }: CheckPlace): string[] => {
  const isGood = ({ verdict }: CheckedLetter): boolean => verdict === 'acts' || verdict === 'ends';
  const good = [...Map.groupBy(letters, ({ reason }) => reason)].filter(([, some]) => some.every(isGood));
  if (good.length === 0) return ['Fix what is named above, then check again.'];
  const reasons = good.map(([reason]) => `--reason ${shellWord(reason)}`).join(' ');
  const unproved = letters.filter(({ verdict, isProbed }) => verdict === 'acts' && !isProbed).length;
  return [
    ...(unproved === 0
      ? []
      : [
          `${letterCount(unproved)} would delete or change attributes, which S3 cannot be asked about beforehand.`,
        ]),
    `then  ${command(`dlq redrive ${reasons}`)}`,
  ];
};
