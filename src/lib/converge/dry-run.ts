/**
 * Shows what converge would do next, without doing it. Converge itself decides: it gets a destination whose reads are real, and
 * whose first write ends the dry run. The next hint would therefore do the same, as long as nobody changes one of the sides in
 * between.
 */
import { Readable } from 'node:stream';
import { ReplicationError } from '../model/errors.ts';
import type {
  DestinationBucket,
  ObjectState,
  Precondition,
  ReplicaAttributes,
  SourceBucket,
} from '../model/ports.ts';
import type { Task } from '../model/task.ts';
import { assertReadable } from '../copy/readable.ts';
import type { Transfers, TransferStore } from '../copy/transfer/transfer.ts';
import type { ConvergeContext, PassedOver } from './context.ts';
import { converge } from './converge.ts';
import type { Convergence } from './convergence.ts';

/** The calls that change something, by their names in AWS. `SendMessage` puts part ranges into the transfer queue. */
export type PlannedCallName =
  | 'PutObject'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'DeleteObject'
  | 'PutObjectTagging'
  | 'PutObjectAcl'
  | 'PutObjectRetention'
  | 'PutObjectLegalHold'
  | 'RestoreObject'
  | 'SendMessage';

/** The first call by which converge would change something. */
export interface PlannedCall {
  call: PlannedCallName;
  key: string;
  /** The version that the call changes; null: the call is about the key. */
  versionId: string | null;
  /** The condition of the call, or of the end of the upload that it begins; null: it has none. */
  precondition: Precondition | null;
  /** The source version that the call writes, or whose replica the call changes; null: none. */
  source: ObjectState | null;
  /** The attributes that the call writes; null: the call writes no replica. */
  attributes: ReplicaAttributes | null;
}

/** What a hint would do. Before that, it would send the versions in `passedOver` to the dead-letter queue. */
export type DryRun = { passedOver: PassedOver[] } & (
  | { kind: 'call'; planned: PlannedCall }
  | { kind: 'done'; convergence: Convergence }
  | { kind: 'fails'; error: ReplicationError }
);

/** The input of a dry run besides the task. The records of transfers are only read. */
export type DryContext = Omit<ConvergeContext, 'passOver' | 'versionReceipts' | 'transfers'> & {
  transfers: Pick<TransferStore, 'load' | 'rate' | 'all'>;
};

/**
 * Converges until the first call that would change something. The brake, the signer and the receipts of the context are used
 * unchanged, so the caller must pass ones that store nothing.
 */
export const dryRun = async (task: Task, context: DryContext): Promise<DryRun> => {
  const passedOver: PassedOver[] = [];
  const seen: Seen = { source: null };
  const assertSourceReadable = async (): Promise<void> => {
    const { source } = context;
    const way = context.serverSide.way(task.rule, task.destination);
    if (seen.source !== null) await assertReadable({ task, source, version: seen.source }, way);
  };
  try {
    const convergence = await converge(task, {
      ...context,
      source: drySource(context.source, seen),
      destination: dryDestination(context.destination, seen, assertSourceReadable),
      transfers: dryTransfers(context.transfers, seen),
      serverSide: { ...context.serverSide, refused: () => undefined },
      versionReceipts: { keep: async () => undefined },
      passOver: async (version) => void passedOver.push(version),
    });
    return { passedOver, kind: 'done', convergence };
  } catch (error) {
    if (error instanceof Stop) return { passedOver, kind: 'call', planned: error.planned };
    if (error instanceof ReplicationError) return { passedOver, kind: 'fails', error };
    throw error;
  }
};

/** Thrown to end a dry run. It reaches the caller, because converge rethrows every error that is not a `ReplicationError`. */
class Stop extends Error {
  override readonly name = 'Stop';
  readonly planned: PlannedCall;

  constructor(planned: PlannedCall) {
    super(`a dry run ends before ${planned.call}`);
    this.planned = planned;
  }
}

/** What the dry run has read so far. */
interface Seen {
  /** The last version that was read from the source. Converge reads a version just before it writes it. */
  source: ObjectState | null;
}

const stop = (call: PlannedCallName, key: string, more: Partial<PlannedCall> = {}): never => {
  const nothing = { versionId: null, precondition: null, source: null, attributes: null };
  throw new Stop({ ...nothing, call, key, ...more });
};

/**
 * Returns a source whose reads are real, so that refusals are noticed. Only the bytes of large bodies are not transferred. Zeros
 * take their place, because nothing reads the bytes.
 */
const drySource = (real: SourceBucket, seen: Seen): SourceBucket => {
  const noted = <T extends ObjectState | null>(state: T): T => {
    if (state !== null) seen.source = state;
    return state;
  };
  return {
    async look(key) {
      const now = await real.look(key);
      if (now.kind === 'object') noted(now.state);
      return now;
    },
    head: async (key, versionId) => noted(await real.head(key, versionId)),
    async open(key, versionId) {
      const opened = await real.open(key, versionId);
      if (opened === null) return null;
      return { state: noted(opened.state), body: instead(opened.body, opened.state.sizeBytes) };
    },
    async read(key, pin, slice) {
      const answer = await real.read(key, pin, slice);
      return { ...answer, body: instead(answer.body, answer.sizeBytes) };
    },
    part: (key, pin, partNumber) => real.part(key, pin, partNumber),
    history: (key, until) => real.history(key, until),
    neighbours: (request) => real.neighbours(request),
    tags: (key, versionId) => real.tags(key, versionId),
    acl: (key, versionId) => real.acl(key, versionId),
    restore: async (key, versionId) => stop('RestoreObject', key, { versionId }),
  };
};

/** Closes the body, and returns a body of zeros of the same length. */
const instead = (body: Readable, sizeBytes: number): Readable => {
  body.destroy();
  return Readable.from(zeros(sizeBytes));
};

const ZEROS = Buffer.alloc(1024 * 1024);

function* zeros(sizeBytes: number): Generator<Buffer, void> {
  for (let left = sizeBytes; left > 0; left -= ZEROS.length)
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}

/**
 * Returns a destination whose reads are real, and whose first write ends the dry run. A real copy inside S3 or in parts reads the
 * source after that write. `assertSourceReadable` checks before the write that the source can be read.
 */
const dryDestination = (
  real: DestinationBucket,
  seen: Seen,
  assertSourceReadable: () => Promise<void>,
): DestinationBucket => {
  /**
   * Like S3, refuses to write a key as new if it exists. Converge may try such a write without a look at the destination. If the
   * write is refused, converge reads the destination.
   */
  const refuseUnlessNew = async (key: string, precondition: Precondition | undefined): Promise<void> => {
    if (precondition?.kind === 'absent' && (await real.look(key)).kind === 'object')
      throw new ReplicationError('lost-race', 'the key is not new');
  };
  return {
    look: (key) => real.look(key),
    head: (key, versionId) => real.head(key, versionId),
    read: (key, pin, slice) => real.read(key, pin, slice),
    history: (key) => real.history(key),
    keepsVersions: () => real.keepsVersions(),
    tags: (key, versionId) => real.tags(key, versionId),
    acl: (key, versionId) => real.acl(key, versionId),
    parts: (request) => real.parts(request),
    uploads: (prefix) => real.uploads(prefix),
    locksByDefault: () => real.locksByDefault(),
    defaultRetention: () => real.defaultRetention(),
    foundLocked: () => undefined,
    async put({ key, body, precondition, attributes }) {
      if (!Buffer.isBuffer(body)) body.destroy();
      await refuseUnlessNew(key, precondition);
      return stop('PutObject', key, { precondition, attributes, source: seen.source });
    },
    async copyObject({ key, precondition, attributes }) {
      await assertSourceReadable();
      await refuseUnlessNew(key, precondition);
      return stop('CopyObject', key, { precondition, attributes, source: seen.source });
    },
    async createUpload({ key, attributes, precondition }) {
      await assertSourceReadable();
      // S3 would begin the upload, and refuse only its completion. The dry run reports the refusal.
      await refuseUnlessNew(key, precondition);
      return stop('CreateMultipartUpload', key, {
        precondition: precondition ?? null,
        attributes,
        source: seen.source,
      });
    },
    completeUpload: async ({ key, precondition }) =>
      stop('CompleteMultipartUpload', key, { precondition, source: seen.source }),
    ...dryChanges(seen),
  };
};

type Change =
  | 'remove'
  | 'putTags'
  | 'putAcl'
  | 'putRetention'
  | 'putLegalHold'
  | 'uploadPart'
  | 'copyPart'
  | 'abortUpload';

const dryChanges = (seen: Seen): Pick<DestinationBucket, Change> => {
  const ofVersion = (call: PlannedCallName, key: string, versionId: string | null): never =>
    stop(call, key, { versionId, source: seen.source });
  return {
    remove: async ({ key, etag }) => stop('DeleteObject', key, { precondition: { kind: 'unchanged', etag } }),
    putTags: async (key, versionId) => ofVersion('PutObjectTagging', key, versionId),
    putAcl: async (key, versionId) => ofVersion('PutObjectAcl', key, versionId),
    putRetention: async (key, versionId) => ofVersion('PutObjectRetention', key, versionId),
    putLegalHold: async (key, versionId) => ofVersion('PutObjectLegalHold', key, versionId),
    abortUpload: async ({ key }) => stop('AbortMultipartUpload', key),
    // Parts are written only after an upload was created or messages were sent, where a dry run has ended.
    uploadPart: async ({ key }) => stop('CreateMultipartUpload', key),
    copyPart: async ({ key }) => stop('CreateMultipartUpload', key),
  };
};

/** Reads the records. Changes of the records are kept only in memory, because converge may read them again. */
const dryTransfers = (real: DryContext['transfers'], seen: Seen): Transfers => {
  const ended = new Set<string>();
  const store: TransferStore = {
    async load(id) {
      const transfer = await real.load(id);
      return transfer === null || ended.has(transfer.uploadId) ? null : transfer;
    },
    begin: async () => true,
    change: async () => true,
    end: async ({ uploadId }) => void ended.add(uploadId),
    all: (onNewer) => real.all(onNewer),
    rate: (bucket, way) => real.rate(bucket, way),
    measured: async () => undefined,
  };
  return {
    store,
    // This number only decides the size of the part ranges, and a dry run sends none.
    concurrency: 1,
    queue: {
      send: async ([first]) => stop('SendMessage', first?.key ?? '', { source: seen.source }),
      waiting: async () => 0,
    },
  };
};
