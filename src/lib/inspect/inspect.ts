/**
 * Answers the requests of operators' commands: the payload names one of the actions below, and an answer is JSON. A request that cannot be
 * answered gets a list of problems, each with advice.
 */
import { isRecord } from '../model/json.ts';
import type { InspectAction, InspectAnswer, InspectDeps } from './action.ts';
import { check } from './check.ts';
import { explain } from './explain.ts';
import { probe } from './probe.ts';

const ACTIONS: Readonly<Record<string, InspectAction>> = { check, explain, probe };

/** Maximum characters of an answer. Lambda returns at most 6 MB, and a character may take four bytes. */
const MAX_ANSWER_CHARACTERS = 1_400_000;

export const answerInspection = async (event: unknown, deps: InspectDeps): Promise<InspectAnswer> => {
  const fields = isRecord(event) ? event : {};
  const name = String(fields['inspect']);
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) {
    const known = Object.keys(ACTIONS).join(', ');
    return {
      problems: [`"inspect" must be one of ${known}: the deployed stack may be older than the command`],
    };
  }
  const answer = await action(fields, deps);
  if (JSON.stringify(answer).length <= MAX_ANSWER_CHARACTERS) return answer;
  return { problems: ['the answer would be longer than Lambda returns: ask about less at once'] };
};
