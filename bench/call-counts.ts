import type { TwoAccounts } from '../demo/two-accounts.ts';
import type { AwsRequest } from '@s3-replicator/local-aws';

/** How often each operation was called. The keys have the form `service:Operation`. */
export type CallCounts = Map<string, number>;

/**
 * Counts the calls that the functions make from now on. Calls of the bench itself are not counted. The bench's calls are recognizable
 * because the bench calls as the accounts' root users.
 */
export const watchCalls = ({ aws }: Pick<TwoAccounts, 'aws'>): { stop(): CallCounts } => {
  const counts: CallCounts = new Map();
  aws.faults.plan = (request: AwsRequest) => {
    const operation = request.operation ?? `${request.service}:unknown`;
    if (request.caller.kind === 'session') counts.set(operation, (counts.get(operation) ?? 0) + 1);
    return undefined;
  };
  return {
    stop() {
      aws.faults.plan = undefined;
      return counts;
    },
  };
};

/** Runs `act` and counts the calls of the functions until no work is left. */
export const countDuring = async (accounts: TwoAccounts, act: () => Promise<void>): Promise<CallCounts> => {
  const reported = accounts.outcomes.next();
  const calls = watchCalls(accounts);
  try {
    await act();
    await reported;
    await accounts.waitUntilQuiet({ timeoutMs: 600_000 });
  } finally {
    calls.stop();
  }
  return calls.stop();
};

/** Returns the number of calls to one service and a list of the called operations. */
export const callsOf = (counts: CallCounts, service: string): { total: number; detail: string } => {
  const own = [...counts].filter(([operation]) => operation.startsWith(`${service}:`));
  return {
    total: own.reduce((sum, [, count]) => sum + count, 0),
    detail: own
      .map(([operation, count]) => `${count > 1 ? `${count} ` : ''}${operation.slice(service.length + 1)}`)
      .join(', '),
  };
};
