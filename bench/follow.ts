/** Measures how the deployed stack replicates one object, in any number of invocations, with or without faults. */
import type { TwoAccounts } from '../demo/two-accounts.ts';
import type { AwsRequest, Fault } from '@s3-replicator/local-aws';
import { createFaultPlan, type FaultRule } from '@s3-replicator/local-aws/faults';
import { messagesOf } from '../tests/e2e/support/stages/stage.ts';
import { moved } from '../tests/e2e/support/stages/transfers.ts';
import type { CallCounts } from './call-counts.ts';

export interface Followed {
  /** How often the functions called each operation. The keys have the form `service:Operation`. */
  counts: CallCounts;
  /** How many bytes of bodies the functions uploaded. A body counts with its declared length, or with fewer bytes if a fault cut it. */
  sentBytes: number;
  invocations: number;
  cpuSeconds: number;
  /** Returns how often this kind of fault happened. */
  faults(kind: Fault['kind']): number;
}

/** Runs `act` and measures until both queues are empty. Throws if a message is in the dead-letter queue. */
export const follow = async (
  accounts: TwoAccounts,
  act: () => unknown,
  rules: FaultRule[] = [],
): Promise<Followed> => {
  const { aws, names } = accounts;
  const queue = (name: string) => messagesOf(aws, name);
  const functions = [names.replicateFunction, names.transferFunction];
  for (const name of functions) aws.lambda.resetUsage(name);
  const plan = createFaultPlan({ rules });
  const counts: CallCounts = new Map();
  let sentBytes = 0;
  aws.faults.plan = Object.assign(
    (request: AwsRequest) => {
      const fault = plan(request);
      if (request.caller.kind === 'session') {
        const operation = request.operation ?? `${request.service}:unknown`;
        counts.set(operation, (counts.get(operation) ?? 0) + 1);
        if (BODIES.has(operation)) sentBytes += bodyBytes(request, fault ?? undefined);
      }
      return fault;
    },
    { ...plan },
  );
  try {
    await act();
    await moved(
      { aws, names, live: queue(names.liveQueue), ranges: queue(names.transferQueue) },
      { limitMs: 1_800_000 },
    );
  } finally {
    aws.faults.plan = undefined;
  }
  const [letter] = queue(names.deadLetterQueue).take(1, 0, () => false);
  if (letter !== undefined)
    throw new Error(
      `in the dead-letter queue: ${JSON.stringify([letter.content.body, ...letter.content.attributes])}`,
    );
  const usages = functions.map((name) => aws.lambda.usage(name));
  return {
    counts,
    sentBytes,
    invocations: usages.reduce((sum, { invocations }) => sum + invocations, 0),
    cpuSeconds: usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1_000,
    faults: (kind) => plan.count(kind),
  };
};

const BODIES = new Set(['s3:PutObject', 's3:UploadPart']);

const bodyBytes = ({ headers }: AwsRequest, fault: Fault | undefined): number => {
  const announced = Number(headers['content-length'] ?? 0);
  return fault?.kind === 'truncate-request' ? Math.min(announced, fault.afterBytes) : announced;
};
