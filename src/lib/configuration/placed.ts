import type { DestinationShape } from './destination-schema.ts';
import type { Path } from './problem.ts';
import type { RuleShape } from './rule-schema.ts';

/** A well-formed rule and its position in the file. */
export interface PlacedRule {
  index: number;
  rule: RuleShape;
}

export interface PlacedDestination {
  path: Path;
  rule: RuleShape;
  destination: DestinationShape;
}

export const placedDestinations = (rules: PlacedRule[]): PlacedDestination[] =>
  rules.flatMap(({ index, rule }) =>
    rule.destinations.map((destination, position) => ({
      path: ['rules', index, 'destinations', position],
      rule,
      destination,
    })),
  );
