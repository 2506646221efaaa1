/** The action `probe`: tries everything that replication needs at each destination, and leaves nothing behind. */
import { isRecord, type JsonRecord } from '../model/json.ts';
import { circuitName, ruleDestinations } from '../model/rule.ts';
import type { InspectAnswer, InspectDeps } from './action.ts';
import type { ProbedPlace } from './probed-place.ts';

export const probe = async (fields: JsonRecord, deps: InspectDeps): Promise<InspectAnswer> => {
  const { rules: wanted } = fields;
  const isWanted = (id: string): boolean => !Array.isArray(wanted) || wanted.includes(id);
  const places = ruleDestinations(deps.configuration).filter(({ rule }) => isWanted(rule.id));
  return {
    places: await Promise.all(
      places.map(async ({ rule, destination }) => {
        const place = await deps.prober.probe(rule, destination);
        // The answers of the service are stored, because functions that replicate never ask a service themselves.
        if (place.service !== null) await deps.circuits.keepAnswers(circuitName(destination), place.service);
        return place;
      }),
    ),
  };
};

/** The answer of a function. The function of an earlier release leaves out the fields about other services. */
type AnsweredPlace = Omit<ProbedPlace, 'secret' | 'service'> & Partial<ProbedPlace>;

/** Reads the answer of the function. Returns null if the value is not an answer. */
export const parseProbe = (answer: unknown): ProbedPlace[] | null =>
  isRecord(answer) && Array.isArray(answer['places']) && answer['places'].every(isPlace)
    ? answer['places'].map((place) => ({ secret: null, service: null, ...place }))
    : null;

const isPlace = (value: unknown): value is AnsweredPlace =>
  isRecord(value) &&
  (isRecord(value['trust']) || isRecord(value['secret'])) &&
  Array.isArray(value['steps']) &&
  Array.isArray(value['source']);
