import type { Clock } from '../core/clock.ts';
import { draw } from './draw.ts';
import { describeRule, type FaultRule, type Frequency, type Occasion } from './fault-rule.ts';

/** A fault that was injected. */
export interface InjectedFault extends Occasion {
  /** The rule's name, or else a description of the rule. */
  rule: string;
  fault: FaultRule['fault'];
  /** Milliseconds since the plan was created. */
  atMs: number;
}

/** Counts the matches of each rule and decides which of them get the fault. */
export interface RuleBook {
  /** Returns whether the rule injects its fault for this match. If so, records the fault. */
  decide(index: number, rule: FaultRule, occasion: Occasion): boolean;
  injected: InjectedFault[];
}

export const createRuleBook = (seed: number, clock: Clock): RuleBook => {
  const startMs = clock.now();
  const seen = new Map<string, number>();
  const hits = new Map<string, number>();
  const injected: InjectedFault[] = [];
  const count = (counts: Map<string, number>, name: string): number => {
    const before = counts.get(name) ?? 0;
    counts.set(name, before + 1);
    return before;
  };
  return {
    injected,
    decide(index, rule, occasion) {
      const atMs = clock.now() - startMs;
      if (atMs < (rule.fromMs ?? 0) || atMs >= (rule.untilMs ?? Infinity)) return false;
      const place = `${occasion.what} ${occasion.subject}`;
      const counter = rule.per === 'subject' ? `${index} ${place}` : String(index);
      const before = count(seen, counter);
      const beforeHere = rule.probability === undefined ? 0 : count(seen, `draw ${index} ${place}`);
      if (!isDue(rule, before) || (hits.get(counter) ?? 0) >= (rule.times ?? Infinity)) return false;
      if (rule.probability !== undefined && draw(seed, index, place, beforeHere) >= rule.probability)
        return false;
      count(hits, counter);
      injected.push({ rule: rule.name ?? describeRule(rule), fault: rule.fault, ...occasion, atMs });
      return true;
    },
  };
};

const isDue = ({ after = 0, every = 1 }: Frequency, before: number): boolean =>
  before >= after && (before - after + 1) % every === 0;
