/** The table of everything that doctor can find. docs/doctor.md shows it. */
import { CANARY_CAUSES } from './canary.ts';
import { DESTINATION_CAUSES } from './destination-causes.ts';
import type { Causes, Group } from './finding.ts';
import { HEALTH_CAUSES } from './health-causes.ts';
import { HERE_CAUSES } from './here.ts';
import { RULE_CAUSES } from './rules.ts';
import { SOURCE_CAUSES } from './source-causes.ts';
import { STACK_CAUSES } from './stack-causes.ts';

export const ALL_CAUSES: readonly (readonly [group: Group, causes: Causes])[] = [
  ['here', HERE_CAUSES],
  ['stack', STACK_CAUSES],
  ['sources', SOURCE_CAUSES],
  ['destinations', DESTINATION_CAUSES],
  ['rules', RULE_CAUSES],
  ['health', HEALTH_CAUSES],
  ['canary', CANARY_CAUSES],
];
