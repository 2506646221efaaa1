/** The action `explain`: what both sides of one key show, which rules want it, and what the next hint about it would do. */
import { circuitName, type Destination, type ReplicationRule } from '../model/rule.ts';
import { brakeName } from '../model/brake.ts';
import { isRecord, type JsonRecord, textOrNull } from '../model/json.ts';
import { bucketsOf, createTask, type Task } from '../model/task.ts';
import type { ObjectState } from '../model/ports.ts';
import { isOfVersion, transferIdOf } from '../copy/transfer/transfer.ts';
import type { InspectAnswer, InspectDeps } from './action.ts';
import { filterProblem, judgeRules, type RuleVerdict, sourceKeyOf } from './matching.ts';
import { type NextStep, nextStep } from './next-step.ts';
import { type Relation, relationOf } from './relation.ts';
import { type SideView, stateIn, viewReplica, viewSource } from './side.ts';
import { type VersionView, viewVersion } from './version.ts';

export interface Explanation {
  /** The bucket and key at the source. */
  bucket: string;
  key: string;
  /** Whether the request named the replica, and not the source object. */
  isMappedBack: boolean;
  /** Why each rule of the bucket wants the key or not. */
  rules: RuleVerdict[];
  /** The source buckets of all deployed rules. */
  sourceBuckets: string[];
  /** One for each destination of each rule that wants the key. */
  places: PlaceView[];
}

export interface PlaceView {
  rule: string;
  destination: string;
  destinationBucket: string;
  /** The S3 service of the destination; null: AWS. A function of an earlier release says nothing. */
  endpoint?: string | null;
  replicaKey: string;
  source: SideView;
  replica: SideView;
  relation: Relation;
  /** Why the rule's filter or exclude leaves the object out; null: it does not. */
  filter: string | null;
  next: NextStep;
  /** The event bus to which replicas are announced. Left out: none. */
  announced?: 'eventbridge';
  /** When and why the function began to avoid the destination; null: the destination is not avoided. */
  avoided: { since: string; reason: string; detail: string } | null;
  brake: { closedSince: string | null; why: string | null; heldSince: string | null };
  transfer: TransferView | null;
  /**
   * Whether the dead-letter queue has a letter about the key, according to its record. A letter that SQS itself moved has no
   * record.
   */
  hasLetter: boolean;
  /** The version that the request named; null: it named none. */
  version: VersionView | null;
}

interface TransferView {
  started: string;
  bytes: number;
  sizeBytes: number;
  /** Whether the transfer moves the version that the source shows. */
  isCurrent: boolean;
  failure: { reason: string; detail: string; since: string } | null;
}

export const explain = async (fields: JsonRecord, deps: InspectDeps): Promise<InspectAnswer> => {
  const bucket = textOrNull(fields['bucket']);
  const key = textOrNull(fields['key']);
  if (bucket === null || key === null) return { problems: ['"bucket" and "key" must be texts'] };
  const { rules } = deps.configuration;
  const mapped = rules.some(({ source }) => source.bucket === bucket)
    ? null
    : sourceKeyOf(rules, bucket, key);
  const at = mapped ?? { bucket, key };
  const isAskedFor = askedFor(fields);
  const verdicts = judgeRules(rules, at.bucket, at.key);
  const places = rules.flatMap((rule) =>
    verdicts.some((verdict) => verdict.rule === rule.id && verdict.why === null)
      ? rule.destinations
          .filter((destination) => isAskedFor(rule, destination))
          .map((destination) => ({ rule, destination }))
      : [],
  );
  const versionId = textOrNull(fields['version']);
  const answer: Explanation = {
    ...at,
    isMappedBack: mapped !== null,
    rules: verdicts,
    sourceBuckets: [...new Set(rules.map(({ source }) => source.bucket))],
    places: await Promise.all(
      places.map((place) => viewPlace(createTask({ ...place, key: at.key }, { versionId }), deps)),
    ),
  };
  return answer;
};

/** Returns true if the request asks for this destination. If it names a rule or a destination, all others are left out. */
const askedFor =
  ({ rule: ruleId = null, destination: id = null }: JsonRecord) =>
  (rule: ReplicationRule, destination: Destination): boolean =>
    (ruleId === null || rule.id === ruleId) && (id === null || destination.id === id);

const viewPlace = async (task: Task, deps: InspectDeps): Promise<PlaceView> => {
  const { rule, destination, replicaKey } = task;
  const sides = bucketsOf(task, deps.buckets);
  const { key, versionId } = task;
  const where = { rule: rule.id, destination: destination.id, bucket: rule.source.bucket, key };
  const [source, replica, next, circuits, brake, transfer, hasLetter] = await Promise.all([
    viewSource(task, sides),
    viewReplica(task, sides),
    nextStep(task, deps),
    deps.circuits.load(),
    viewBrake(task, deps),
    deps.transfers.load(transferIdOf(task)),
    deps.letters.has(where),
  ]);
  const open = circuits.open.get(circuitName(destination));
  const state = stateIn(source.current);
  return {
    rule: rule.id,
    destination: destination.id,
    destinationBucket: destination.bucket,
    endpoint: destination.service?.endpoint ?? null,
    replicaKey,
    source,
    replica,
    relation: await relationOf(task, { source, replica }, deps),
    filter:
      state === null ? null : filterProblem(rule, { key, sizeBytes: state.sizeBytes }, source.tags ?? {}),
    next,
    ...(rule.announce === 'none' ? {} : { announced: rule.announce }),
    avoided:
      open === undefined ? null : { since: isoTime(open.sinceMs), reason: open.reason, detail: open.detail },
    brake,
    transfer: transfer === null ? null : viewTransfer(transfer, state),
    hasLetter,
    version: versionId === null ? null : await viewVersion(task, sides, versionId),
  };
};

const viewBrake = async (task: Task, { brakes }: InspectDeps): Promise<PlaceView['brake']> => {
  if (task.rule.brake === null) return { closedSince: null, why: null, heldSince: null };
  const name = brakeName(task);
  const [{ closed, releasedMs }, heldMs] = await Promise.all([
    brakes.load(name),
    brakes.heldMs(name, task.key),
  ]);
  return {
    closedSince: closed === null ? null : isoTime(closed.sinceMs),
    why: closed?.why ?? null,
    heldSince: heldMs === null || heldMs <= releasedMs ? null : isoTime(heldMs),
  };
};

const viewTransfer = (
  transfer: NonNullable<Awaited<ReturnType<InspectDeps['transfers']['load']>>>,
  state: ObjectState | null,
): TransferView => {
  const { startedMs, seen, version, failure } = transfer;
  return {
    started: isoTime(startedMs),
    bytes: seen?.bytes ?? 0,
    sizeBytes: version.sizeBytes,
    isCurrent: state !== null && isOfVersion(transfer, state),
    failure:
      failure === null
        ? null
        : { reason: failure.reason, detail: failure.detail, since: isoTime(failure.atMs) },
  };
};

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Reads the answer of the function. Returns null if the value is not an answer. */
export const parseExplanation = (answer: unknown): Explanation | null =>
  isExplanation(answer) ? answer : null;

/** Reads the list of problems in an answer. Returns null if there is none. */
export const parseProblems = (answer: unknown): string[] | null => {
  const problems: unknown = isRecord(answer) ? answer['problems'] : null;
  return Array.isArray(problems) ? problems.map(String) : null;
};

const isExplanation = (answer: unknown): answer is Explanation =>
  isRecord(answer) && Array.isArray(answer['rules']) && Array.isArray(answer['places']);
