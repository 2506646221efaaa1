/**
 * Fault plans that are built from rules. A rule describes which requests, messages or functions fail, how they fail and
 * how often.
 */
export { chaosRules } from '../faults/chaos.ts';
export { createFaultPlan, type RuledFaultPlan } from '../faults/fault-plan.ts';
export type { FaultRule } from '../faults/fault-rule.ts';
export { messageKey } from '../faults/message-key.ts';
