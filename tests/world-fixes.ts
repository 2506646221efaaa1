/** The fixes that `world-mutations.ts` takes back one at a time. */

export const HISTORIES = 'tests/convergence/histories.test.ts';
export const CHAOS = 'tests/transfer/chaos.test.ts';

export interface Fix {
  /** What happened without the fix. */
  fault: string;
  /** The texts of the fix, and the texts that they replaced. */
  edits: { file: string; fixed: string; before: string }[];
  /** The file of the random world. If no random world plays the schedule, the file of the test that does. */
  world: string;
  /** Words in the title of the property; left out: all of the file. */
  title?: string;
}

export const FIXES: Fix[] = [
  {
    fault: 'a key is stuck on an older replica that was copied back, when its source version is gone',
    edits: [
      {
        file: 'src/lib/converge/locate-replica.ts',
        fixed: 'return { position, isShown: !isOlder, shown: state };',
        before: 'return { position, isShown: true || isOlder, shown: state };',
      },
    ],
    world: HISTORIES,
    title: 'copied back',
  },
  {
    fault:
      'tags and grants of an older version reach the replica of a newer one that was written in its place',
    edits: [
      {
        file: 'src/lib/converge/latest.ts',
        fixed: "result.kind === 'written' && result.copied.isApart && !namesOneState(result.copied.written);",
        before: "result.kind === 'written' && result.copied.isApart && result.read === null;",
      },
      {
        file: 'src/lib/converge/latest.ts',
        fixed: 'if (changed && !namesOneState(replica)) return',
        before: 'if (changed && replica === null) return',
      },
      {
        file: 'src/lib/converge/converge.ts',
        fixed: "if (updated?.outcome === 'updated' && ",
        before: "if (updated?.outcome === 'updated' && updated === null && ",
      },
    ],
    world: HISTORIES,
    title: 'where a write replaces the object',
  },
  {
    fault: 'the whole history of a key is written into a destination that keeps only its last state',
    edits: [
      {
        file: 'src/lib/converge/every-version.ts',
        fixed: "if (!(await keepsVersions(context, shown, first.items))) return 'in-place';",
        before: '',
      },
    ],
    world: HISTORIES,
    title: 'every history ends',
  },
  {
    fault: 'a storage class that changes within a second is missed',
    edits: [
      {
        file: 'src/lib/replica/same-state.ts',
        fixed: '(namesOneState(source) && stampOn(replica, replicaPlace(task)) !== null) ||',
        before: 'nowMs > 0 ||',
      },
    ],
    world: HISTORIES,
    title: 'storage classes',
  },
  {
    fault: 'the hint that finishes a transfer is dropped when its run is stopped',
    edits: [
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: "message.origin === 'backfill' && transferIn(hint) === null;",
        before: "message.origin === 'backfill';",
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a large archived version blocks newer ones, because only the worker of its parts reads a byte',
    edits: [
      { file: 'src/lib/copy/transfer/begin.ts', fixed: 'await assertReadable(request, way);', before: '' },
    ],
    world: CHAOS,
  },
  {
    fault: 'tags that change while a transfer runs stay wrong',
    edits: [
      {
        file: 'src/lib/converge/write-version.ts',
        fixed: 'const hasTagsApart = !fits || copied.byTransfer || hadSameBytes;',
        before: 'const hasTagsApart = !fits || hadSameBytes;',
      },
      {
        file: 'src/lib/converge/latest.ts',
        fixed: 'const changed = !isDone && (await syncShown(task, context, version, replica));',
        before: 'const changed = isDone && (await syncShown(task, context, version, replica));',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a finish that needs a person makes a dead letter at every sweep, and is never given up',
    edits: [
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: "if (error.disposition === 'retry' || transferIn(assignment.hint) === null) return false;",
        before: 'if (error.reason !== null) return false;',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a transfer whose rule or destination is renamed can never finish',
    edits: [
      {
        file: 'src/lib/transfer/transfer-hint.ts',
        fixed: 'if (!isOfTransfer || hint.rule === null || isKnown) return',
        before: 'if (!isOfTransfer || hint.rule === null || isKnown || true) return',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'the whole object is uploaded as the last part, if that part is empty',
    edits: [
      {
        file: 'src/lib/copy/parts.ts',
        fixed: 'const isEmpty = bytes === null && version.sizeBytes > 0;',
        before: 'const isEmpty = bytes === null && version.sizeBytes < 0;',
      },
    ],
    world: CHAOS,
  },
  {
    fault: 'a worker of an earlier attempt fails the present one',
    edits: [
      {
        file: 'src/lib/transfer/transfer-batch.ts',
        fixed: 'if (range.attempt < transfer.attempt) return true;',
        before: '',
      },
    ],
    // The sweep begins an attempt only while SQS reports no message in flight. In the random world that report is always true, so that
    // world does not find this fault.
    world: 'tests/transfer/schedules.test.ts',
    title: 'a worker of an earlier attempt',
  },
  {
    fault: 'the dead letters of a stopped run are dropped when they are redriven',
    edits: [
      {
        file: 'src/lib/replicate/replicate-batch.ts',
        fixed: "message.origin === 'backfill' && transferIn(hint) === null;",
        before: 'transferIn(hint) === null;',
      },
      {
        file: 'src/lib/replicate/open-message.ts',
        fixed: 'return { body: formatHint({ ...unchained, run: null }),',
        before: 'return { body: formatHint(unchained),',
      },
      {
        file: 'src/lib/transfer/end-transfer.ts',
        fixed: '{ error, body: formatHint({ ...hint, run: null }), hint, assignment },',
        before: '{ error, body: formatHint(hint), hint, assignment },',
      },
    ],
    world: CHAOS,
  },
];
