import { openBuckets, openRuns } from '../lib/aws/operator.ts';
import { QueueError } from '../lib/dead-letters/queue.ts';
import { ReplicationError } from '../lib/model/errors.ts';
import type { Reason } from '../lib/model/reasons.ts';
import type { Buckets } from '../lib/model/ports.ts';
import { type Deployment, resourceNames } from '../lib/configuration/resource-names.ts';
import { RunRefusedError } from '../lib/runs/control.ts';
import type { Listings, RunQueues } from '../lib/runs/ports.ts';
import type { RunStore } from '../lib/runs/run-store.ts';
import { CliError } from './terminal/errors.ts';

/** What the commands that deal with runs need of AWS. Everything throws ReplicationError, QueueError or RunRefusedError. */
export interface RunPorts {
  runs(deployment: Deployment): { store: RunStore; queues: RunQueues };
  buckets(options: { region: string; destinationProfile: string | null; signal: AbortSignal }): {
    listings: Listings;
    buckets: Buckets;
  };
  /** In [0, 1). */
  random(): number;
}

export const AWS: RunPorts = {
  runs: (deployment) => openRuns({ ...resourceNames(deployment), region: deployment.region }),
  buckets: openBuckets,
  random: Math.random,
};

/** Gives whatever goes wrong with AWS a code and a fix. A mistake of ours stays what it is. */
export const withCliErrors = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    throw asCliError(error);
  }
};

const asCliError = (error: unknown): unknown => {
  if (error instanceof RunRefusedError)
    return new CliError('run-refused', `${error.message}.`, { cause: error });
  if (error instanceof QueueError) return new CliError(error.problem, `${error.message}.`, { cause: error });
  if (!(error instanceof ReplicationError)) return error;
  const names = namesOf(error);
  const code =
    Object.entries(CODE_OF_NAME).find(([name]) => names.includes(name))?.[1] ??
    CODE_OF_REASON[error.reason] ??
    'aws-failed';
  return new CliError(code, `${error.message}.`, { cause: error });
};

type Code = ConstructorParameters<typeof CliError>[0];

/** What AWS and its SDK call things that only matter to somebody who is signed in. */
const CODE_OF_NAME: Readonly<Record<string, Code>> = {
  CredentialsProviderError: 'no-credentials',
  TokenProviderError: 'no-credentials',
  ExpiredToken: 'bad-credentials',
  ExpiredTokenException: 'bad-credentials',
  InvalidAccessKeyId: 'bad-credentials',
  InvalidClientTokenId: 'bad-credentials',
  SignatureDoesNotMatch: 'bad-credentials',
  InvalidSignatureException: 'bad-credentials',
  UnrecognizedClientException: 'bad-credentials',
  ResourceNotFoundException: 'no-table',
  AccessDeniedException: 'access-denied',
};

const CODE_OF_REASON: Partial<Record<Reason, Code>> = {
  'access-denied': 'access-denied',
  'assume-role-denied': 'not-trusted',
  'no-such-bucket': 'no-bucket',
  'wrong-region': 'no-bucket',
  'connection-lost': 'unreachable',
  'unknown-rule': 'bad-request',
};

const namesOf = (error: unknown): string[] =>
  error instanceof Error ? [error.name, ...namesOf(error.cause)] : [];
