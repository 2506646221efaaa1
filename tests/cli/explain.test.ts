/** The sentence with which `explain` begins, for each state in which an object can be. */
import { expect, test } from 'vitest';
import type { PlaceView } from '../../src/lib/inspect/explain.ts';
import type { LogLine } from '../../src/lib/inspect/log-lines.ts';
import type { Run } from '../../src/lib/runs/run.ts';
import { aSpec, compared } from '../runs/runs.ts';
import { runRecord } from '../runs/run-record.ts';
import { expectShown } from './cli-page.ts';
import { call, done, explained, explanation, known, NOW_MS, place, SOURCE } from './explained.ts';
import { run } from './run.ts';

const absent = { ...place().source, current: { kind: 'absent' } as const };
const marker = { ...place().source, current: { kind: 'marker', versionId: 'm' } as const };
const shown = { ...place().replica, current: { kind: 'object', state: SOURCE } as const };

test.each<[string, Partial<PlaceView>, RegExp, RegExp | null]>([
  [
    'that is replicated',
    { replica: shown },
    /^Replicated: the destination holds what the source shows\.$/,
    null,
  ],
  ['that was deleted on both sides', { source: marker }, /^Deleted on both sides\.$/, null],
  [
    'that does not exist',
    { source: absent, next: done('source-gone') },
    /^There is no such object at the source, and no/,
    null,
  ],
  [
    'whose replica stays after a delete',
    { source: marker, replica: shown, next: done('source-gone') },
    /^Deleted at the source\. The replica stays/,
    null,
  ],
  [
    'whose replica is not ours',
    { source: marker, replica: shown, next: done('not-ours') },
    /not provably our replica/,
    null,
  ],
  [
    'whose delete is on its way',
    { source: marker, replica: shown, next: call('DeleteObject') },
    /^Deleted at the source, and still shown/,
    /backfill start --rule media/,
  ],
  [
    'that the filter leaves out',
    { filter: 'it is too small', next: done('filtered') },
    /^Left out by rule media: it is too small\.$/,
    null,
  ],
  [
    'that is a replica itself',
    { next: done('replica') },
    /^Left out: the source object is itself a replica/,
    null,
  ],
  [
    'that is archived',
    { next: { passedOver: [], kind: 'fails', reason: 'archived', detail: 'x', side: 'source' } },
    /^Not replicated: the object is in an archive storage class .* \(archived\)$/,
    /backfill start/,
  ],
  [
    'that is archived under a rule that restores',
    { next: call('RestoreObject') },
    /^Archived at the source: the next hint asks S3 to restore it\.$/,
    /backfill start/,
  ],
  [
    'that the brake holds',
    {
      source: marker,
      replica: shown,
      next: done('held'),
      brake: {
        closedSince: '2026-11-30T13:50:00.000Z',
        why: '9 deletes',
        heldSince: '2026-11-30T13:51:00.000Z',
      },
    },
    /^Held since 2026-11-30 13:51:00Z: deletes of this rule are paused\.$/,
    /brake release --rule media --destination archive/,
  ],
  [
    'whose destination is avoided',
    {
      next: call('PutObject'),
      avoided: { since: '2026-11-30T13:50:00.000Z', reason: 'no-answer', detail: 'x' },
    },
    /^Waits since 2026-11-30 13:50:00Z: the destination is avoided \(no-answer\)\.$/,
    /waiting list --rule media/,
  ],
  ['that is being transferred', { next: done('transferring') }, /^Being transferred/, /transfers list/],
  [
    'whose parts are all there',
    { next: call('CompleteMultipartUpload') },
    /^Nearly replicated: all parts are there/,
    /transfers list/,
  ],
  [
    'whose tags differ',
    { replica: shown, next: call('PutObjectTagging') },
    /^The content is replicated, but not its newest tags/,
    /backfill start/,
  ],
  [
    'that has not arrived and nobody knows why',
    { next: call('PutObject') },
    /^Not replicated yet: the destination has no such object, 10m 2s after it was written, and no dead letter/,
    /backfill start --rule media --destination archive --prefix photos\/7\.jpg/,
  ],
])(
  'explain begins with one sentence about an object %s, and ends with the command to type',
  async (_, fields, sentence, command) => {
    const { code, out, err } = await explained(explanation(place(fields)));
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')[0]).toMatch(sentence);
    const typed = /^(?:do|then) +(npx .*)$/m.exec(out)?.[1] ?? null;
    if (command === null) expect(typed).toBeNull();
    else expect(typed).toMatch(command);
  },
);

const logLine = (message: string, reason: string | null): LogLine => ({
  time: '2026-11-30T13:59:58.000Z',
  message,
  rule: 'media',
  destination: 'archive',
  key: 'photos/7.jpg',
  version: null,
  reason,
  detail: null,
  requestId: null,
});

test('while a failed message is tried again, explain begins with its reason and advises no backfill', async () => {
  // The dry run announces PutObject although S3 refuses this call. Only S3 knows that.
  known.lines = [logLine('retry', 'access-denied')];
  const { out } = await explained(explanation(place({ next: call('PutObject') })));
  expect(out.replaceAll(/\s+/g, ' ')).toMatch(
    /^Not replicated yet: the last try failed, and its message is tried again\. AWS refused an action .*\(access-denied\) /,
  );
  expect(out).toMatch(/^fix +Compare the denied action/m);
  expect(out).not.toContain('backfill start');
  known.lines = [logLine('retry', 'access-denied'), logLine('replicated', null)];
  const later = await explained(explanation(place({ next: call('PutObject') })));
  expect(later.out).toMatch(/^Not replicated yet: the destination has no such object/);
  known.lines = [];
});

test('the words of AWS are shown once, and a single refusal is not called one of two minutes', async () => {
  const detail = 'AssumeRole of arn:aws:iam::222222222222:role/archive: AccessDenied';
  const reason = 'assume-role-denied' as const;
  const { out } = await explained(
    explanation(
      place({
        replica: { ...shown, current: null, problem: { reason, detail } },
        next: { passedOver: [], kind: 'fails', reason, detail, side: 'destination' },
      }),
    ),
  );
  expect(out).toMatch(/^Not replicated: STS refused to let the function assume the role/);
  expect(out.match(/AccessDenied/g)).toHaveLength(1);
  expect(out).toContain('would fail in the same way (assume-role-denied)');
});

test('explain tells why no rule wants a key', async () => {
  const { code, out } = await explained(explanation());
  expect(code).toBe(0);
  expect(out).toBe(
    'Not replicated: no rule wants "photos/7.jpg".\nrule         media: its keys begin with "clips/"\n',
  );
});

test('docs/cli.md shows what explain prints about an object whose destination is avoided', async () => {
  const { out } = await explained(
    explanation(
      place({
        next: call('PutObject'),
        avoided: {
          since: '2026-11-30T13:50:00.000Z',
          reason: 'no-answer',
          detail: 'PutObject in destination bucket acme-archive: no answer within 10 s',
        },
      }),
    ),
  );
  await expectShown([['explain s3://acme-media/photos/7.jpg', out]]);
});

test('explain --json prints the answer of the function, the letters, and the same sentences', async () => {
  const { out } = await explained(explanation(place()), '--json');
  expect(JSON.parse(out)).toMatchObject({
    places: [{ rule: 'media', next: { outcome: 'unchanged' } }],
    letters: [null],
    stories: [{ headline: 'Replicated: the destination holds what the source shows.' }],
  });
});

test('explain passes on what is wrong with the request, and refuses what is no S3 URI', async () => {
  expect(await explained({ problems: ['"inspect" must be one of nothing'] })).toMatchObject({
    code: 2,
    err: expect.stringContaining('must be one of nothing'),
  });
  const { code, err } = await run(['explain', 'photos/7.jpg']);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('"photos/7.jpg" is not of the form s3://bucket/key.'),
  ]);
});

test('the newest run that includes the key is named with its result, and what may not be read with its permission', async () => {
  const of = (id: string, prefix: string, more: Partial<Run> = {}) =>
    runRecord({
      id,
      spec: aSpec({ kind: 'verify', rule: 'media', destination: 'archive', prefix }),
      ...more,
    });
  const lineIn = async (): Promise<string | undefined> =>
    (await explained(explanation(place()))).out.split('\n').find((line) => line.startsWith('run '));
  expect(await lineIn()).toBeUndefined();
  known.runs = [of('20261130-1', 'clips/'), of('20261130-0', 'photos/', { phase: 'checking' })];
  expect(await lineIn()).toMatch(/^run +verify 20261130-0 since \S+ \S+: checking$/);
  const checked = compared({ keys: 1, missing: 1 });
  known.runs = [of('20261129-0', '', { phase: 'finished', endedMs: NOW_MS, checked })];
  expect(await lineIn()).toMatch(/^run +verify 20261129-0 ended 2026-11-30 14:00:00Z: both sides differed$/);
  known.runs = { notReadable: 'dynamodb:Query' };
  expect(await lineIn()).toMatch(/^run +not read: you may not dynamodb:Query$/);
  known.runs = [];
});

test('the destination names the S3 service at which it is', async () => {
  const { out } = await explained(explanation(place({ endpoint: 'https://s3.example.com' })));
  expect(out).toContain('s3://acme-archive/photos/7.jpg at https://s3.example.com');
});
