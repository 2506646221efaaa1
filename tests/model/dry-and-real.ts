/** Performs one task both as a dry run and for real, each on a separate copy of the same world. */
import { createMemoryCircuitStore } from './memory-circuits.ts';
import { expect } from 'vitest';
import { contextOf } from '../../src/lib/converge/context.ts';
import { converge } from '../../src/lib/converge/converge.ts';
import type { DryRun, PlannedCallName } from '../../src/lib/converge/dry-run.ts';
import { createServerSide } from '../../src/lib/copy/way.ts';
import { announced } from '../../src/lib/delivery/announced.ts';
import { createBrakes } from '../../src/lib/delivery/brakes.ts';
import { refuseUnfit } from '../../src/lib/delivery/circuits.ts';
import type { InspectDeps } from '../../src/lib/inspect/action.ts';
import { dryRunFor } from '../../src/lib/inspect/next-step.ts';
import { UNUSED_BRAKE } from '../../src/lib/model/brake.ts';
import { ReplicationError } from '../../src/lib/model/errors.ts';
import type { ReplicaEvent } from '../../src/lib/model/replica-event.ts';
import type { DestinationBucket, Precondition, ReplicaAttributes } from '../../src/lib/model/ports.ts';
import { circuitName } from '../../src/lib/model/rule.ts';
import type { ServiceAnswers } from '../../src/lib/model/service-answers.ts';
import type { Task } from '../../src/lib/model/task.ts';
import type { Transfers } from '../../src/lib/copy/transfer/transfer.ts';
import { contentOf, copyOfBucket } from './bucket-copies.ts';
import { assertExplained } from './explained-state.ts';
import { createMemoryBrakes } from './memory-brakes.ts';
import type { MemoryBucket } from './memory-buckets.ts';
import { memoryDestination } from './memory-destination.ts';
import { memorySource, openGate } from './memory-source.ts';
import { copyOfTransfers, createMemoryTransfers, type MemoryTransfers } from './memory-transfers.ts';
import { memoryVersionReceipts } from './memory-version-receipts.ts';
import { testConfiguration, testInvocation } from './settings.ts';

export interface Sides {
  source: MemoryBucket;
  replica: MemoryBucket;
  /** Default: no transfers are under way. */
  transfers?: MemoryTransfers;
  /** What a probe has found out about the service of the destination; null: nobody has asked it, or it is AWS. Default: null. */
  service?: ServiceAnswers | null;
}

/** The result of a real convergence: the outcome, and the first call that changed the destination or should have changed it. */
interface Action {
  first: { call: PlannedCallName; key: string; versionId: string | null; about: object } | null;
  passedOver: string[];
  result: string;
  /** The names of the announced events. */
  announced: string[];
}

const RESTORING = 'RestoreObject';

/** Converges for real. Notes the first call that changed something. */
const act = async (
  task: Task,
  { source, replica, transfers = createMemoryTransfers(), service = null }: Sides,
): Promise<Action> => {
  const action: Action = { first: null, passedOver: [], result: '', announced: [] };
  const note = (call: PlannedCallName, key: string, versionId: string | null, about: object = {}): void => {
    action.first ??= { call, key, versionId, about };
  };
  const clock = { now: () => source.now(), sleep: async () => undefined };
  const begun: { upload: Action['first'] } = { upload: null };
  const real = {
    source: memorySource(source, openGate),
    destination: memoryDestination(replica, openGate, undefined, {
      sources: { source, replica },
      initiator: 'role',
    }),
  };
  const deps = {
    buckets: {
      source: () => ({
        ...real.source,
        restore: async (key: string, versionId: string | null) => note(RESTORING, key, versionId),
      }),
      destination: () => noting(real.destination, note, begun),
    },
    invocation: testInvocation({ deadlineMs: clock.now() + 900_000 }),
    clock,
    transfers: sending(transfers, (key) => {
      action.first ??= begun.upload ?? { call: 'SendMessage', key, versionId: null, about: {} };
    }),
    serverSide: createServerSide(clock),
    signer: async () => null,
    versionReceipts: memoryVersionReceipts(),
    brake: createBrakes({ store: createMemoryBrakes(), clock }),
  };
  const bare = contextOf(task, deps, async ({ versionId }) => {
    if (action.first === null) action.passedOver.push(versionId);
  });
  const announce = async ({ object }: ReplicaEvent): Promise<void> => void action.announced.push(object.key);
  try {
    const circuits = await circuitsWith(task, service);
    refuseUnfit(task, await circuits.load());
    const context = await announced(bare, { task, announce, sinceMs: null });
    action.result = (await converge(task, context)).outcome;
  } catch (error) {
    if (!(error instanceof ReplicationError)) throw error;
    action.result = `fails: ${error.reason}`;
    // The upload was begun, and its parts proved nothing. A dry run cannot know that, because only an upload shows it. The condition of the
    // upload was only an assumption, because converge looks at the destination before it completes an upload.
    if (error.reason === 'bad-checksum' && begun.upload !== null)
      action.first ??= { ...begun.upload, about: expect.anything() };
  }
  return action;
};

/**
 * Notes the calls that change the destination. A write of an object is noted only after its effect: S3 may refuse it because converge
 * assumed a new key, and converge then looks at the destination. A multipart upload is therefore noted when it becomes an object. All other
 * calls are noted when they are sent, because a dry run cannot know whether S3 refuses them.
 */
const noting = (
  real: DestinationBucket,
  note: (call: PlannedCallName, key: string, versionId: string | null, about?: object) => void,
  begun: { upload: Action['first'] },
): DestinationBucket => ({
  ...real,
  async createUpload(request) {
    const { key, precondition } = request;
    const about = precondition === undefined ? {} : { precondition };
    begun.upload = { call: 'CreateMultipartUpload', key, versionId: null, about };
    return await real.createUpload(request);
  },
  async completeUpload(request) {
    const written = await real.completeUpload(request);
    const { key, precondition } = request;
    const call = begun.upload === null ? 'CompleteMultipartUpload' : 'CreateMultipartUpload';
    note(call, key, null, { precondition });
    return written;
  },
  // A dry run ends before an upload is begun, so it cannot know how the upload ends.
  async abortUpload(upload) {
    if (begun.upload === null) note('AbortMultipartUpload', upload.key, null);
    await real.abortUpload(upload);
  },
  async put(request) {
    const written = await real.put(request);
    note('PutObject', request.key, null, aboutWrite(request));
    return written;
  },
  async copyObject(request) {
    const written = await real.copyObject(request);
    note('CopyObject', request.key, null, aboutWrite(request));
    return written;
  },
  async remove(request) {
    note('DeleteObject', request.key, null, { precondition: { kind: 'unchanged', etag: request.etag } });
    return await real.remove(request);
  },
  async putTags(key, versionId, tags) {
    note('PutObjectTagging', key, versionId);
    await real.putTags(key, versionId, tags);
  },
  async putAcl(key, versionId, acl) {
    note('PutObjectAcl', key, versionId);
    await real.putAcl(key, versionId, acl);
  },
  async putRetention(key, versionId, retention) {
    note('PutObjectRetention', key, versionId);
    await real.putRetention(key, versionId, retention);
  },
  async putLegalHold(key, versionId) {
    note('PutObjectLegalHold', key, versionId);
    await real.putLegalHold(key, versionId);
  },
});

/** Notes the first message. A transfer that begins sends its messages after its upload was created. */
const sending = (transfers: MemoryTransfers, noteKey: (key: string) => void): Transfers => {
  const ports = transfers.ports();
  return {
    ...ports,
    queue: {
      ...ports.queue,
      async send(messages) {
        noteKey(messages[0]?.key ?? '');
        await ports.queue.send(messages);
      },
    },
  };
};

const aboutWrite = (write: { precondition: Precondition; attributes: ReplicaAttributes }): object => ({
  precondition: write.precondition,
  attributes: write.attributes,
});

/** Converts the announcement of the dry run to the form of an action. */
const announcement = (run: DryRun): Pick<Action, 'first' | 'passedOver'> & { result: string | null } => {
  const passedOver = run.passedOver.map(({ versionId }) => versionId);
  if (run.kind === 'done') return { first: null, passedOver, result: run.convergence.outcome };
  if (run.kind === 'fails') return { first: null, passedOver, result: `fails: ${run.error.reason}` };
  const { call, key, versionId, precondition, attributes } = run.planned;
  const isWhole = call === 'PutObject' || call === 'CopyObject';
  const about = isWhole ? { precondition, attributes } : precondition === null ? {} : { precondition };
  return { first: { call, key, versionId, about }, passedOver, result: null };
};

const inspecting = (
  task: Task,
  { source, replica, transfers = createMemoryTransfers() }: Sides,
  circuits: InspectDeps['circuits'],
): InspectDeps => {
  const clock = { now: () => source.now(), sleep: async () => undefined };
  const buckets = {
    source: () => memorySource(source, openGate),
    destination: () =>
      memoryDestination(replica, openGate, undefined, { sources: { source, replica }, initiator: 'role' }),
  };
  return {
    configuration: testConfiguration(task.rule),
    buckets,
    probing: buckets,
    prober: { probe: () => Promise.reject(new Error('a dry run probes nothing')) },
    brakes: { load: async () => UNUSED_BRAKE, heldMs: async () => null },
    circuits,
    letters: { has: async () => false },
    transfers: transfers.ports().store,
    versionReceipts: memoryVersionReceipts(),
    signer: async () => null,
    clock,
    invocation: () => testInvocation({ deadlineMs: clock.now() + 900_000 }),
  };
};

const circuitsWith = async (
  { destination }: Task,
  service: ServiceAnswers | null,
): Promise<InspectDeps['circuits']> => {
  const circuits = createMemoryCircuitStore();
  if (service !== null) await circuits.keepAnswers(circuitName(destination), service);
  return circuits;
};

const copyOf = ({ source, replica, transfers, service = null }: Sides): Required<Sides> => ({
  service,
  source: copyOfBucket(source),
  replica: copyOfBucket(replica),
  transfers: copyOfTransfers(transfers ?? createMemoryTransfers()),
});

/** Performs one task dry and for real, each on its own copy of the world. Returns the kinds of announcements. */
export const tryBoth = async (task: Task, world: Sides): Promise<string[]> => {
  const dry = copyOf(world);
  const before = [contentOf(dry.source), contentOf(dry.replica), [...dry.transfers.records]];
  const deps = inspecting(task, dry, await circuitsWith(task, dry.service));
  const run = await dryRunFor(task, deps);
  const headline = await assertExplained(task, deps);
  expect([contentOf(dry.source), contentOf(dry.replica), [...dry.transfers.records]]).toEqual(before);
  const action = await act(task, copyOf(world));
  const said = announcement(run);
  expect(said.first).toEqual(action.first);
  expect(said.passedOver).toEqual(action.passedOver);
  if (said.result !== null) expect(said.result).toBe(action.result);
  const kind = run.kind === 'call' ? run.planned.call : (said.result ?? '');
  const isBlind = task.destination.service !== null && task.destination.conditionalWrites === 'none';
  return [
    kind,
    ...(said.passedOver.length === 0 ? [] : ['passed over']),
    ...(/ excludes /.test(headline) ? ['excluded'] : []),
    ...(action.announced.length === 0 ? [] : ['announced']),
    ...(isBlind && kind === 'PutObject' ? ['written blindly'] : []),
  ];
};
