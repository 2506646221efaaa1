/** The clients and stores that an execution environment of the inspect function keeps, and the dependencies that it gives each invocation. */
import type { Context } from 'aws-lambda';
import type { InspectDeps } from '../inspect/action.ts';
import type { Prober } from '../inspect/probed-place.ts';
import type { ReplicationConfiguration } from '../model/rule.ts';
import { createBrakeStore } from './dynamodb/brake-store.ts';
import { createCircuitStore } from './dynamodb/circuit-store.ts';
import { createKnownLetters } from './dynamodb/known-letters.ts';
import { createReadSigner } from './dynamodb/stamp-key.ts';
import { createTransferStore } from './dynamodb/transfer-store.ts';
import { createVersionReceipts } from './dynamodb/version-receipts.ts';
import { createEnvironment, type Environment, limitTime, REPLICATE_RESERVE_MS } from './environment.ts';
import { createBuckets } from './s3/buckets.ts';
import type { S3Clients } from './s3/client/clients.ts';
import { createProber } from './s3/probe/prober.ts';

/** How long an invocation needs for its answer after the last call was aborted. */
const INSPECT_RESERVE_MS = 5_000;

export interface InspectEnvironment {
  /** The result must be disposed of at the end of the invocation. */
  invocation(context: Context): { deps: InspectDeps } & Disposable;
}

/** Sets up an execution environment when it starts. Throws when an environment variable is missing. */
export const createInspectEnvironment = (
  configuration: ReplicationConfiguration,
  variables: NodeJS.ProcessEnv,
): InspectEnvironment => {
  const environment = createEnvironment(variables, configuration, 'inspect');
  const { logger, clients } = environment;
  // Creates a prober. A session remains valid after the role or its trust policy was changed, so a probe
  // must not use an earlier session.
  const proberOf = (probing: S3Clients): Prober =>
    createProber(probing, {
      region: environment.variable('AWS_REGION'),
      sessionName: environment.sessionName,
      functionName: environment.variable('AWS_LAMBDA_FUNCTION_NAME'),
      now: environment.clock.now,
    });
  const shared = { configuration, ...inspectDeps(environment) };
  return {
    invocation(context) {
      logger.addContext(context);
      const limit = limitTime(context, { reserveMs: INSPECT_RESERVE_MS, graceMs: 0 });
      const probing = environment.clientsFor('probe');
      return {
        deps: {
          ...shared,
          buckets: createBuckets(clients, limit.signal),
          probing: createBuckets(probing, limit.signal),
          prober: proberOf(probing),
        },
        [Symbol.dispose]: () => limit[Symbol.dispose](),
      };
    },
  };
};

const inspectDeps = ({ variable, clock, logger }: Environment) => {
  const fullTimeMs = Number(variable('REPLICATE_SECONDS')) * 1_000 - REPLICATE_RESERVE_MS;
  return {
    clock,
    brakes: createBrakeStore(variable('RUNS_TABLE')),
    circuits: createCircuitStore(variable('IDEMPOTENCY_TABLE')),
    letters: createKnownLetters(variable('IDEMPOTENCY_TABLE'), clock.now),
    transfers: createTransferStore(variable('TRANSFERS_TABLE')),
    versionReceipts: createVersionReceipts(variable('IDEMPOTENCY_TABLE')),
    signer: createReadSigner(variable('IDEMPOTENCY_TABLE'), (error) =>
      logger.warn('signer-unknown', { error: error instanceof Error ? error : new Error(String(error)) }),
    ),
    invocation: () => ({
      requestId: 'dry-run',
      deadlineMs: clock.now() + fullTimeMs,
      fullTimeMs,
      bytesUnderWay: 0,
      heldBytes: 0,
    }),
  };
};
