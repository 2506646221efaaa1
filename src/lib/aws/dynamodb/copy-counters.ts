/** Reads the counters of the replicate function from the table of runs. */
import { ALL_REASONS } from '../../model/reasons.ts';
import { COUNTED_MS, firstOf } from '../../runs/copied-keys.ts';
import type { CopiedKey, CopyCounters } from '../../runs/run.ts';

/** Adds up the counters of all shards. Each item is one shard. */
export const copyCountersOf = (items: Record<string, unknown>[]): CopyCounters => {
  const sum = (name: string): number => items.reduce((all, item) => all + Number(item[name] ?? 0), 0);
  const named = (begin: string): string[] => [
    ...new Set(items.flatMap((item) => Object.keys(item).filter((name) => name.startsWith(begin)))),
  ];
  const sumsOf = (begin: string): [string, number][] =>
    named(begin).map((name) => [name.slice(begin.length), sum(name)]);
  const lists = (name: string): CopiedKey[] => items.flatMap((item) => keysIn(item[name]));
  const reasons = new Map(sumsOf('reasons.'));
  return {
    done: sum('done'),
    outcomes: Object.fromEntries(sumsOf('outcomes.')),
    failed: sum('failed'),
    reasons: Object.fromEntries(
      ALL_REASONS.flatMap((reason) => (reasons.has(reason) ? [[reason, reasons.get(reason)]] : [])),
    ),
    dropped: sum('dropped'),
    sent: sum('sent'),
    tried: sum('tried'),
    copies: sum('copies'),
    bytes: sum('bytes'),
    examples: Object.fromEntries(
      ALL_REASONS.flatMap((reason) => {
        const key = items.map((item) => item[`example.${reason}`]).find((each) => typeof each === 'string');
        return key === undefined ? [] : [[reason, key]];
      }),
    ),
    minutes: [...new Set(['done.', 'failed.'].flatMap(named).map((name) => name.replace(/^.*\./, '')))]
      .map((minute) => ({
        minuteMs: Number(minute) * COUNTED_MS,
        done: sum(`done.${minute}`),
        bytes: sum(`bytes.${minute}`),
        failed: sum(`failed.${minute}`),
      }))
      .toSorted((one, other) => one.minuteMs - other.minuteMs),
    largest: firstOf(lists('largest'), 'bytes'),
    slowest: firstOf(lists('slowest'), 'durationMs'),
  };
};

/** Reads a list of keys from the attribute that holds it as JSON. */
export const keysIn = (attribute: unknown): CopiedKey[] => {
  if (typeof attribute !== 'string') return [];
  const keys: CopiedKey[] = JSON.parse(attribute);
  return keys;
};
