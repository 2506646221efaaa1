/** The Lambda handler for the tasks of a job of S3 Batch Operations. All work is done in `lib`. */
import type { Context } from 'aws-lambda';
import { packagedRules } from '../lib/aws/packaged-rules.ts';
import { createReplicateEnvironment } from '../lib/aws/replicate-environment.ts';
import { createRefusals, type Refusals } from '../lib/delivery/refusals.ts';
import { answerBatch, type BatchOperationsAnswer } from '../lib/replicate/batch-operations.ts';

const environment = createReplicateEnvironment(packagedRules(import.meta.dirname), process.env);

/** Remembers, for the life of the execution environment, since when a permission has been missing. */
let refusals: Refusals | undefined;

export const handler = async (event: unknown, context: Context): Promise<BatchOperationsAnswer> => {
  using invocation = environment.invocation(context, null);
  refusals ??= createRefusals(invocation.deps.clock);
  return await answerBatch(event, { ...invocation.deps, refusals });
};
