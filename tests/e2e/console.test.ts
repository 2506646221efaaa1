/**
 * The console over the demo's deployment, in a headless browser. `npm run browser` fetches the browser. `CONSOLE=all`, as in the soak, also
 * looks at every page in both widths and colours, and lets axe find what keeps people from using it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ServedConsole } from '../../demo/console.ts';
import { type Browser, NO_BROWSER, openBrowser, type Page } from './support/console/browser.ts';
import { SHOTS, shoot } from './support/console/shots.ts';
import { type ConsoleStage, REFUSED, startConsoleStage } from './support/console/stage.ts';

const isWhole = process.env['CONSOLE'] === 'all';

let stage: ConsoleStage;
let served: ServedConsole;
let browser: Browser;
let page: Page;
let origin: string;
/** Messages and errors of the browser, and the addresses of its requests to other servers than the console. */
const complaints: string[] = [];

beforeAll(async () => {
  if (NO_BROWSER !== null) return;
  [stage, browser] = await Promise.all([startConsoleStage({ deletes: isWhole }), openBrowser()]);
  served = await stage.serve();
  ({ origin } = new URL(served.link));
  ({ page } = browser);
  page.on('console', (found) => void complaints.push(found.text?.() ?? ''));
  page.on('pageerror', (found) => void complaints.push(String(found)));
  page.on('request', (found) => {
    const url = found.url?.() ?? '';
    if (!url.startsWith(origin)) complaints.push(url);
  });
  await page.goto(served.link);
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await served?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
});

beforeEach(({ skip }) => skip(NO_BROWSER !== null, NO_BROWSER ?? ''));

test('an operator sees why dead letters wait, checks them before and after the fix, and sends them back', async () => {
  expect(page.url()).toBe(`${origin}/`);
  await page.click('text=See why');
  await page.waitForSelector('text=3 dead letters');
  expect(await page.textContent('.problem')).toContain('explicit deny');
  expect(await acted('Check', 'Check')).toContain('3 would fail again');
  await stage.allowWrites();
  expect(await acted('Check', 'Check')).toContain('3 would succeed');
  expect(await acted('Redrive', 'Send them back')).toContain(
    '3 messages sent from s3-replicator-prod-live-dlq to s3-replicator-prod-live.',
  );
  await page.waitForSelector('text=No dead letter matches');
  await stage.accounts.waitUntilReplicated([{ bucket: 'acme-documents', key: `${REFUSED}0000.pdf` }]);
});

test('an operator starts a backfill after its estimate, and watches it to its end and its report', async () => {
  await page.click('nav >> text=Runs');
  await page.click('text=Start a backfill…');
  await page.selectOption('select[name=rule]', 'media');
  await page.click('text=Estimate');
  await page.waitForSelector('.estimate >> text=24 keys');
  expect(await page.textContent('.estimate')).toContain('s3://acme-media/');
  await page.click('.estimate >> text=Start');
  await page.click('dialog >> button.primary');
  await page.waitForSelector('dialog >> text=1 run started.');
  await page.click('dialog >> text=Close');
  await watched('.verdict.good >> text=Agrees.');
  expect(page.url()).toMatch(/\/runs\/\d{8}-/);
  await page.waitForSelector('iframe.report');
  await expect
    .poll(() => page.evaluate<string>("document.querySelector('iframe').contentDocument.body.textContent"))
    .toContain('The destination holds all 24 keys of the source.');
  await page.goBack();
  await page.waitForSelector('.moving >> text=finished');
});

test('an operator asks what happened to a key, with the keyboard alone', async () => {
  await page.click('nav >> text=A key');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  await page.fill('input[name=uri]', `s3://acme-documents/${REFUSED}0001.pdf`);
  await page.press('input[name=uri]', 'Enter');
  await page.waitForSelector('.story >> text=Replicated: the destination holds what the source shows.');
  expect(page.url()).toContain('/key?uri=s3%3A%2F%2Facme-documents');
  await page.goto(page.url());
  await page.waitForSelector('.story >> text=signed');
  expect(complaints).toEqual([]);
});

test.runIf(isWhole)(
  'an operator discards dead letters by typing their number, and they are in a file',
  async () => {
    await stage.refuseAgain();
    await page.goto(`${origin}/letters`);
    await page.click('.problem >> text=Discard…');
    await page.waitForSelector('dialog >> text=To be deleted permanently: 3 dead letters.');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('INPUT');
    await page.fill('dialog input', '2');
    await page.click('dialog >> text=Delete them permanently');
    await page.waitForSelector('dialog >> text=is not 3');
    await page.fill('dialog input', '3');
    await page.press('dialog input', 'Enter');
    await page.waitForSelector('dialog .done >> text=3 of 3 dead letters deleted');
    await page.click('dialog >> text=Close');
    await page.waitForSelector('text=No dead letter matches');
    const [file = ''] = readdirSync(stage.folder).filter((name) => name.startsWith('dead-letters-'));
    const lines = readFileSync(join(stage.folder, file), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain(REFUSED);
  },
);

test.runIf(isWhole)(
  'an operator verifies, repairs and deletes what the source no longer has, by typing the name of the bucket',
  async () => {
    const key = await stage.leaveExtra();
    await page.goto(`${origin}/runs?start=verify&rule=media`);
    await page.click('text=Replicate what differs');
    await page.click('text=Delete replicas without a source');
    await page.click('text=Estimate');
    await page.click('.estimate >> text=Start');
    await page.click('dialog >> button.primary');
    await page.waitForSelector('dialog >> text=whose objects are no longer in the source bucket');
    await page.fill('dialog input', 'acme-media-replica');
    await page.press('dialog input', 'Enter');
    await page.waitForSelector('dialog >> text=1 run started.');
    await page.click('dialog >> text=Close');
    await watched('.verdict.good >> text=Agrees.');
    expect(await stage.replicas()).not.toContain(key);
  },
);

test.runIf(isWhole)(
  'every page fits both widths, says what it is to a screen reader, and looks as the screenshots show',
  async () => {
    await stage.refuseAgain();
    const runs = await page.evaluate<{ id: string }[]>("fetch('/api/runs').then((answer) => answer.json())");
    const violations: unknown[] = [];
    for (const [name, path, shown] of pages(runs[0]?.id ?? '')) {
      await page.goto(origin + path);
      await page.waitForSelector(shown, { timeout: 60_000 });
      violations.push(...(await shoot(page, name)));
    }
    // The browser opens the report as a file, without the console, like somebody who has received the file.
    const report = join(SHOTS, 'report.html');
    writeFileSync(
      report,
      await page.evaluate<string>(`fetch('/api/runs/${runs[0]?.id}/report').then((answer) => answer.text())`),
    );
    await page.goto(pathToFileURL(report).href);
    violations.push(...(await shoot(page, 'report')));
    expect(violations).toEqual([]);
    expect(readFileSync(join(SHOTS, 'letters.aria.yml'), 'utf8')).toContain('link "Dead letters 3 waiting"');
  },
);

/** Waits until the page shows the element. Meanwhile moves the clock, because the schedule advances runs only once a minute. */
const watched = async (selector: string): Promise<void> => {
  const clock = setInterval(() => stage.accounts.aws.clock.advance(3_000), 100);
  await page.waitForSelector(selector, { timeout: 60_000 }).finally(() => clearInterval(clock));
};

/** Carries out an action of the first group of letters. Resolves to what the dialog says in the end. */
const acted = async (action: string, verb: string): Promise<string> => {
  await page.click(`.problem >> text=${action}…`);
  await page.click(`dialog >> .buttons >> text=${verb}`);
  await page.waitForSelector('dialog .done', { timeout: 60_000 });
  const text = (await page.textContent('dialog .done')) ?? '';
  await page.click('dialog >> text=Close');
  return text;
};

const pages = (run: string): (readonly [name: string, path: string, shown: string])[] => [
  ['overview', '/', '.rule'],
  ['letters', '/letters', '.problem'],
  ['runs', '/runs?start=backfill', '.moving'],
  ['verify', '/runs?start=verify&rule=media', '.moving'],
  ['run', `/runs/${run}`, 'iframe.report'],
  ['key', `/key?uri=s3://acme-documents/${REFUSED}0001.pdf`, '.story'],
  ['doctor', '/doctor', '.findings'],
];
