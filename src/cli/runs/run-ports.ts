import { type BackfillConcurrency, openBackfillConcurrency } from '../../lib/aws/backfill-concurrency.ts';
import {
  type BucketsAccess,
  type OpenBuckets,
  openBuckets,
  openRuns,
  openVersionReceipts,
} from '../../lib/aws/operator.ts';
import type { Asked } from '../../lib/aws/settings/asked.ts';
import { askInspect } from '../../lib/aws/settings/inspect-function.ts';
import { type Deployment, resourceNames } from '../../lib/configuration/resource-names.ts';
import type { VersionReceipts } from '../../lib/replica/version-receipt.ts';
import { parseProbe } from '../../lib/inspect/probe.ts';
import type { ProbedPlace } from '../../lib/inspect/probed-place.ts';
import type { RunQueues } from '../../lib/runs/ports.ts';
import type { RunStore } from '../../lib/runs/run-store.ts';

/** The access to AWS that the commands for runs need. All its functions throw ReplicationError, QueueError or RunRefusedError. */
export interface RunPorts {
  runs(deployment: Deployment): { store: RunStore; queues: RunQueues };
  buckets(options: BucketsAccess): Promise<OpenBuckets>;
  concurrency(deployment: Deployment): BackfillConcurrency;
  receipts(deployment: Deployment): Pick<VersionReceipts, 'find'>;
  /** Lets the inspect function try the destinations of these rules. */
  probe(deployment: Deployment, rules: readonly string[]): Promise<Asked<ProbedPlace[]>>;
  /** Returns a random number in [0, 1). */
  random(): number;
}

export const AWS: RunPorts = {
  runs: (deployment) => openRuns({ ...resourceNames(deployment), region: deployment.region }),
  buckets: openBuckets,
  concurrency: (deployment) => openBackfillConcurrency(resourceNames(deployment), deployment.region),
  probe: (deployment, rules) => {
    const { inspectFunction: functionName } = resourceNames(deployment);
    return askInspect({ functionName, region: deployment.region }, { inspect: 'probe', rules }, parseProbe);
  },
  receipts: (deployment) => openVersionReceipts(resourceNames(deployment).table, deployment.region),
  random: Math.random,
};
