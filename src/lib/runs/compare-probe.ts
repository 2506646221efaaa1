/**
 * The request with which `doctor` asks the backfill function whether the roles that compare can do their work at each
 * destination.
 */
import { isRecord } from '../model/json.ts';
import type { ProbeStep } from '../model/probe-step.ts';

/** The payload of the request. */
export const COMPARE_PROBE = { action: 'probe' } as const;

export interface ComparedPlace {
  rule: string;
  destination: string;
  /** One call for each permission. If the role cannot be assumed, the attempt to assume it is the only step. */
  steps: ProbeStep[];
}

export interface ComparedPlaces {
  places: ComparedPlace[];
}

/** Tries all calls that backfill and verify need at each destination that has a role. Changes nothing. */
export type ProbeCompareRoles = () => Promise<ComparedPlaces>;

export const isCompareProbe = (event: unknown): boolean =>
  isRecord(event) && event['action'] === COMPARE_PROBE.action;

/** Reads the answer of the function. Returns null if the value is not an answer. */
export const parseComparedPlaces = (answer: unknown): ComparedPlace[] | null =>
  isRecord(answer) && Array.isArray(answer['places']) && answer['places'].every(isPlace)
    ? answer['places']
    : null;

const isPlace = (value: unknown): value is ComparedPlace => isRecord(value) && Array.isArray(value['steps']);
