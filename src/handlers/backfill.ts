/**
 * The Lambda handler for runs. It receives the messages of runs (ranges), the event of the schedule that tends all runs, requests
 * to start, show or stop a run, and doctor's question about the roles that compare. All work is done in `lib`.
 */
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { packagedRules } from '../lib/aws/packaged-rules.ts';
import { queueMessage } from '../lib/aws/sqs/queues.ts';
import { createRunEnvironment } from '../lib/aws/run-environment.ts';
import { type ComparedPlaces, isCompareProbe } from '../lib/runs/compare-probe.ts';
import { answerRunRequest, type RunAnswer } from '../lib/runs/request.ts';
import { workOnBatch } from '../lib/runs/messages.ts';
import { isTending, type TendReport, tendRuns } from '../lib/runs/tend-runs.ts';

const environment = createRunEnvironment(packagedRules(import.meta.dirname), process.env);

export const handler = async (
  event: unknown,
  context: Context,
): Promise<SQSBatchResponse | RunAnswer | TendReport | ComparedPlaces> => {
  using invocation = environment.invocation(context);
  if (isTending(event)) {
    const report = await tendRuns(invocation.deps);
    if (report.runs + report.released + report.verifies.length + report.failed.length > 0)
      invocation.log.info('tend', report);
    return report;
  }
  if (isCompareProbe(event)) return await invocation.probe();
  if (!isSqsEvent(event)) return await answerRunRequest(event, invocation.deps);
  const { failed } = await workOnBatch(event.Records.map(queueMessage), invocation);
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
};

const isSqsEvent = (event: unknown): event is SQSEvent =>
  typeof event === 'object' && event !== null && 'Records' in event && Array.isArray(event.Records);
