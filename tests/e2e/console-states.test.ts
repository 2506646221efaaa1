/**
 * The states of the console that the demo's deployment is rarely in: nothing, everything at once, keys that nobody expects, refused
 * credentials. The tests run with `CONSOLE=all` only, as in the soak.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { reportHtml } from '../../src/lib/runs/report/report-html.ts';
import { fill, sqs, startQueues, stopQueues } from '../cli/redrive-queues.ts';
import { createRunCommands } from '../cli/run-commands.ts';
import { putDeadLetter } from '../cli/run.ts';
import { healthy } from '../cli/status-sources.ts';
import { aReport, aSpec, compared, copied } from '../runs/runs.ts';
import { close, crowded, KEYS, open, page, shot, useScenes } from './support/console/scenes.ts';
import { SHOTS } from './support/console/shots.ts';

useScenes();

test('the overview says what needs a person, and shows keys as text whatever is in them', async () => {
  await open({ sources: crowded() });
  await shot('overview-crowded', '.concerns li');
  expect(await page.evaluate<number>("document.querySelectorAll('main img, main script').length")).toBe(0);
  const denied = { notReadable: 'cloudwatch:GetMetricData' };
  await open({
    readOnly: true,
    sources: healthy({
      measures: async () => denied,
      queues: async () => ({ live: denied, backfill: denied, ranges: denied, transfers: denied }),
    }),
  });
  await shot('overview-not-readable', '.concerns li');
});

test('what AWS refuses is said with the next step, and the last answer stays', async () => {
  let code = 'ExpiredTokenException';
  const aws = createServer((request, response) => {
    request.resume();
    const isJson = request.headers['x-amz-target'] !== undefined;
    const message = code.startsWith('Expired')
      ? 'The security token included in the request is expired'
      : 'User: arn:aws:sts::111111111111:assumed-role/support/eve is not authorized to perform: dynamodb:Query';
    response.writeHead(code.startsWith('Expired') ? 400 : 403, {
      'content-type': isJson ? 'application/x-amz-json-1.0' : 'text/xml',
      'x-amzn-query-error': `${code};Sender`,
    });
    response.end(
      isJson
        ? JSON.stringify({ __type: code, message })
        : `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    );
  });
  aws.listen(0, '127.0.0.1');
  await once(aws, 'listening');
  const address = aws.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const { port } = address;
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
    AWS_MAX_ATTEMPTS: '1',
  }))
    vi.stubEnv(name, value);
  const origin = await open({});
  await shot('overview-expired', '.verdict.bad');
  for (const path of ['letters', 'runs', 'doctor', 'key?uri=s3://acme-documents/invoices/7.pdf']) {
    await page.goto(`${origin}/${path}`);
    await shot(`${path.split('?')[0]}-expired`, 'main .verdict.bad');
  }
  code = 'AccessDeniedException';
  const again = await open({});
  await shot('overview-denied', '.concerns li, main .verdict.bad');
  await page.goto(`${again}/letters`);
  await shot('letters-denied', 'main .verdict.bad');
  aws.close();
  aws.closeAllConnections();
  await open({});
  await shot('overview-network-gone', 'main .verdict.bad');
  await open({ sources: healthy() });
  await page.waitForSelector('.rule');
  await close();
  await shot('overview-console-gone', 'main .verdict.bad');
});

test('dead letters with any key can be read, and their dialogs ask', async () => {
  await startQueues();
  try {
    const scene = { sources: healthy(), io: { now: () => sqs.nowMs } };
    let origin = await open(scene);
    await page.goto(`${origin}/letters`);
    await shot('letters-empty', 'main .empty');
    const reasons = [
      'access-denied',
      'kms',
      'archived',
      'too-large',
      'connection-lost',
      'bad-checksum',
    ] as const;
    KEYS.forEach((key, index) =>
      putDeadLetter(sqs, { key, reason: reasons[index] ?? 'kms', detail: `PutObject ${key}: refused` }),
    );
    fill(120);
    await page.goto(`${origin}/letters`);
    await page.waitForSelector('.problem');
    await page.click('details.messages summary');
    await shot('letters-any-key', '.problem');
    await page.goto(`${origin}/letters?reason=access-denied`);
    await page.click('.problem >> text=Redrive…');
    await shot('dialog-redrive', 'dialog .said', { fullPage: false });
    await page.click('dialog >> text=Leave it');
    await page.click('.problem >> text=Discard…');
    await page.waitForSelector('dialog input');
    await page.fill('dialog input', '2');
    await shot('dialog-discard', 'dialog input', { fullPage: false });
    await page.press('dialog input', 'Enter');
    await shot('dialog-discard-wrong', 'dialog >> text=is not', { fullPage: false });
    await page.click('dialog >> text=Leave it');
    await page.goto(`${origin}/letters?since=yesterday`);
    await shot('letters-bad-filter', 'main .verdict.bad');
    origin = await open({ ...scene, readOnly: true });
    await page.goto(`${origin}/letters?reason=archived`);
    await shot('letters-read-only', '.problem');
  } finally {
    await stopQueues();
  }
});

test('runs can be estimated, started, paused and cancelled, and a run that failed says why', async () => {
  const source = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`in/${index}`, ['v1']]));
  using commands = createRunCommands({ source, replica: {} }, { rule: '    deletes: replicate\n' });
  const { world, ports, file } = commands;
  const scene = { sources: healthy(), runs: ports, config: file, io: { now: () => world.clock.now() } };
  const origin = await open(scene);
  await page.goto(`${origin}/runs`);
  await shot('runs-empty', 'main .empty');
  await page.goto(`${origin}/runs?start=verify`);
  await page.click('text=Replicate what differs');
  await page.click('text=Delete replicas without a source');
  await page.click('text=Estimate');
  await shot('runs-estimate', '.estimate >> text=60 keys');
  await page.click('.estimate >> text=Start');
  await shot('dialog-start', 'dialog', { fullPage: false });
  await page.click('dialog >> button.primary');
  await page.waitForSelector('dialog input');
  await shot('dialog-delete-extra', 'dialog input', { fullPage: false });
  await page.fill('dialog input', 'replica');
  await page.press('dialog input', 'Enter');
  await page.waitForSelector('dialog .done');
  await page.click('dialog >> text=Close');
  const [id = ''] = world.store.runs.keys();
  while ((await world.store.copied(id)).done < 20) await world.step();
  await page.goto(`${origin}/runs/${id}`);
  await shot('run-live', 'progress');
  await page.click('text=Cancel…');
  await shot('dialog-cancel', 'dialog', { fullPage: false });
  await page.click('dialog >> text=Leave it');
  await page.click('text=Pause…');
  await page.click('dialog >> button.primary');
  await page.waitForSelector('dialog .done');
  await page.click('dialog >> text=Close');
  await shot('run-paused', 'text=Resume…');
  await page.goto(`${origin}/runs/20260101-000000-nobody`);
  await shot('run-unknown', 'main .verdict.bad');
});

test('a key is asked for with an example, and a wrong address is refused with words', async () => {
  const origin = await open({ sources: healthy() });
  await page.goto(`${origin}/key`);
  await shot('key-empty', 'main .empty');
  await page.goto(`${origin}/key?uri=acme-documents/7.pdf`);
  await shot('key-bad', 'main .verdict.bad');
});

test('a report of failures and differences shows what is to be done, whatever the keys are', async () => {
  const [long = '', arabic = '', , emoji = '', hostile = '', odd = ''] = KEYS;
  const side = { versionId: 'v1', sizeBytes: 1_234_567, etag: '"0123456789abcdef"' };
  const report = aReport({
    spec: aSpec({ since: '2026-11-01T00:00:00Z' }),
    compared: compared({ keys: 1_000, missing: 900, same: 100, versions: 1_100, bytes: 5e9 }),
    checked: compared({
      keys: 1_000,
      missing: 2,
      different: 1,
      same: 997,
      extra: 2,
      versions: 1_100,
      bytes: 5e9,
    }),
    agrees: false,
    copied: copied({
      done: 900,
      outcomes: { replicated: 897, unchanged: 3 },
      failed: 303,
      reasons: { kms: 3, 'access-denied': 300 },
      examples: { 'access-denied': hostile, kms: long },
      copies: 897,
      bytes: 4.5e9,
      minutes: Array.from({ length: 60 }, (_, minute) => ({
        minuteMs: Date.parse('2026-11-22T10:00:00Z') + minute * 60_000,
        done: 15 + (minute % 7),
        bytes: 7e7 + (minute % 5) * 1e7,
        failed: minute > 40 ? minute % 9 : 0,
      })),
      largest: [{ key: long, bytes: 5 * 1024 ** 3, durationMs: 61_500 }],
      slowest: [{ key: arabic, bytes: 1, durationMs: 99_000 }],
    }),
    differences: [long, arabic, emoji, hostile, odd].map((key, index) => ({
      key,
      difference: index === 0 ? 'different' : index < 3 ? 'missing' : 'extra',
      source: index < 3 ? side : null,
      replica: index === 0 || index > 2 ? side : null,
      reason: null,
    })),
    files: [{ bucket: 'acme-reports', key: 'runs/20261122/differences-1.csv', rows: 5, sha256: 'x' }],
  });
  const file = join(SHOTS, 'report-failing.html');
  writeFileSync(file, reportHtml(report));
  await page.goto(pathToFileURL(file).href);
  await shot('report-failing', '.problem');
  await page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))");
  await shot('report-failing-open', '.problem');
});

test('a page that is hidden asks nothing, and asks at once when it is shown again', async () => {
  let asked = 0;
  page.on('request', (found) => (asked += found.url?.().endsWith('/api/state') === true ? 1 : 0));
  await page.clock.install();
  await open({ sources: healthy() });
  await page.waitForSelector('.rule');
  await passes(5_000);
  await expect.poll(() => asked).toBe(2);
  await show('hidden');
  for (let times = 0; times < 10; times += 1) await passes(60_000);
  expect(asked).toBe(2);
  await show('visible');
  await expect.poll(() => asked).toBe(3);
});

/** Lets time pass on the page, and waits until the requests of the page are answered. */
const passes = async (ms: number): Promise<void> => {
  await page.clock.runFor(ms);
  await page.evaluate("fetch('/api/session').then((answer) => answer.text())");
};

const show = (state: 'hidden' | 'visible'): Promise<void> =>
  page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
