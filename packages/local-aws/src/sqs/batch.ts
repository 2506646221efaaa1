import { AwsError } from '../front/aws-error.ts';
import { type Input, optionalText, recordList } from './input.ts';
import { simpleQueueError } from './sqs-errors.ts';

/** Returns the entries of a batch request. Throws an error unless there are 1 to 10 entries with distinct and well-formed ids. */
export function parseBatch(input: Input): { id: string; entry: Input }[] {
  const entries = recordList(input, 'Entries');
  if (entries.length === 0) {
    throw simpleQueueError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (entries.length > 10) {
    throw simpleQueueError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are 10. You have sent ${entries.length}.`,
    );
  }
  const ids = new Set<string>();
  return entries.map((entry) => {
    const id = optionalText(entry, 'Id') ?? '';
    if (!/^[\w-]{1,80}$/.test(id)) {
      throw simpleQueueError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    if (ids.has(id)) throw simpleQueueError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);
    ids.add(id);
    return { id, entry };
  });
}

/** Runs `work` for each entry and collects the results. If `work` throws, only that entry fails. */
export function runBatch(
  batch: { id: string; entry: Input }[],
  work: (entry: Input) => Record<string, unknown>,
): Record<string, unknown> {
  const successful: Record<string, unknown>[] = [];
  const failed: Record<string, unknown>[] = [];
  for (const { id, entry } of batch) {
    try {
      successful.push({ Id: id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const code = error.queryCode ?? error.code;
      failed.push({ Id: id, SenderFault: error.status < 500, Code: code, Message: error.message });
    }
  }
  return {
    ...(successful.length > 0 && { Successful: successful }),
    ...(failed.length > 0 && { Failed: failed }),
  };
}
