/**
 * The Lambda handler that answers questions of operators' commands about buckets. Only operators invoke it. All work is done in
 * `lib`.
 */
import type { Context } from 'aws-lambda';
import { createInspectEnvironment } from '../lib/aws/inspect-environment.ts';
import { packagedRules } from '../lib/aws/packaged-rules.ts';
import type { InspectAnswer } from '../lib/inspect/action.ts';
import { answerInspection } from '../lib/inspect/inspect.ts';

const environment = createInspectEnvironment(packagedRules(import.meta.dirname), process.env);

export const handler = async (event: unknown, context: Context): Promise<InspectAnswer> => {
  using invocation = environment.invocation(context);
  return await answerInspection(event, invocation.deps);
};
