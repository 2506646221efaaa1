/** Serves the console of a scene: the real routes over ports of a test, and the real page in a browser. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { CONSOLE } from '../../../../src/cli/console/console.ts';
import type { Deployed } from '../../../../src/cli/console/deployed.ts';
import { letterRoutes } from '../../../../src/cli/console/letter-routes.ts';
import { lookRoutes } from '../../../../src/cli/console/look-routes.ts';
import { loadPage, type PageFiles } from '../../../../src/cli/console/page-files.ts';
import { runRoutes } from '../../../../src/cli/console/run-routes.ts';
import { type ConsoleServer, startConsoleServer } from '../../../../src/cli/console/server.ts';
import { AWS } from '../../../../src/cli/runs/run-ports.ts';
import { STATUS_PORTS } from '../../../../src/cli/status/status.ts';
import { parseOptions } from '../../../../src/cli/terminal/command.ts';
import type { CliIo } from '../../../../src/cli/terminal/io.ts';
import { brakeName } from '../../../../src/lib/model/brake.ts';
import { circuitName } from '../../../../src/lib/model/rule.ts';
import type { StateSources } from '../../../../src/lib/state/ports.ts';
import { ROOT, silentIo } from '../../../cli/run.ts';
import { transfer } from '../../../cli/sample-transfer.ts';
import { EMPTY, healthy, NOW_MS, PAIRS } from '../../../cli/status-sources.ts';
import { type Browser, NO_BROWSER, openBrowser, type Page } from './browser.ts';
import { shoot } from './shots.ts';

const isWhole = process.env['CONSOLE'] === 'all';

let browser: Browser;
export let page: Page;
let files: PageFiles;
let server: ConsoleServer | null = null;
/** The folder into which the console writes exports. */
let folder: string;
/** Errors of the page and of the console, barriers that axe finds, and elements that are wider than the page. */
const violations: unknown[] = [];

/** Gives the tests of a file a browser. They run with `CONSOLE=all` only, as in the soak. */
export const useScenes = (): void => {
  beforeAll(async () => {
    if (!isWhole || NO_BROWSER !== null) return;
    [browser, files] = await Promise.all([openBrowser(), loadPage()]);
    ({ page } = browser);
    page.on('pageerror', (found) => void violations.push(String(found)));
  });
  afterAll(() => browser?.[Symbol.asyncDispose]());
  beforeEach(({ skip }) => {
    skip(!isWhole || NO_BROWSER !== null, NO_BROWSER ?? 'CONSOLE=all runs it');
    folder = mkdtempSync(join(tmpdir(), 'console-'));
  });
  afterEach(async () => {
    await server?.stop();
    server = null;
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
    expect(violations.splice(0)).toEqual([]);
  });
};

/** Ends the console while its page is open. */
export const close = async (): Promise<void> => {
  await server?.stop();
  server = null;
};

interface Scene {
  sources?: StateSources;
  runs?: Deployed['ports']['runs'];
  config?: string;
  io?: Partial<CliIo>;
  readOnly?: boolean;
}

/** Serves a scene, and signs the browser in. Resolves to the address of the console. */
export const open = async (scene: Scene): Promise<string> => {
  await server?.stop();
  const argv = [`--config=${scene.config ?? `${ROOT}replication.yml`}`];
  const { sources } = scene;
  const deployed: Deployed = {
    argv,
    options: parseOptions(CONSOLE, argv),
    ports: {
      status: sources === undefined ? STATUS_PORTS : { open: () => sources },
      runs: scene.runs ?? AWS,
    },
    io: {
      ...silentIo(folder),
      now: () => NOW_MS,
      sleep: () => new Promise((resolve) => setImmediate(resolve)),
      ...scene.io,
    },
  };
  server = await startConsoleServer({
    port: 0,
    readOnly: scene.readOnly ?? false,
    page: files,
    routes: [...lookRoutes(deployed), ...letterRoutes(deployed), ...runRoutes(deployed)],
    onBug: (error) => void violations.push(error),
  });
  await page.goto(server.link);
  return new URL(server.link).origin;
};

export const shot = async (name: string, selector: string, options = {}): Promise<void> => {
  await page.waitForSelector(selector, { timeout: 60_000 });
  violations.push(...(await shoot(page, name, options)));
};

/** Keys that an uploader chose to confuse a page. */
export const KEYS = [
  `invoices/${'very-long-without-a-space'.repeat(40)}.pdf`,
  'invoices/فاتورة ٢٠٢٦/تقرير.pdf',
  'invoices/\u202Egpj.exe',
  'invoices/🧾👩‍👩‍👧‍👦/🇦🇶.pdf',
  'invoices/<img src=x onerror="document.title=1">\'"&amp;<script>alert(1)</script>.pdf',
  'invoices/  two  spaces\nand a line\u0000.pdf',
];

const [first, second] = PAIRS;

export const crowded = (): StateSources =>
  healthy({
    deadLetters: async () => ({
      live: { ...EMPTY, visible: 1_234 },
      ranges: EMPTY,
      transfers: { ...EMPTY, visible: 2 },
    }),
    circuits: async () => ({
      open: new Map([
        [
          circuitName(first!.destination),
          {
            sinceMs: NOW_MS - 731_000,
            reason: 'access-denied',
            detail: 'explicit deny in the bucket policy',
          },
        ],
      ]),
      suspects: new Map(),
      hanging: new Map(),
      services: new Map(),
    }),
    brakes: async () =>
      new Map([
        [
          brakeName(second!),
          {
            slots: new Map(),
            closed: { sinceMs: NOW_MS - 60_000, why: '1,201 deletes in ten minutes' },
            keys: null,
            releasedMs: 0,
            releasing: null,
          },
        ],
      ]),
    transfers: async () => [
      ...KEYS.map((key, index) => transfer({ key, uploadId: String(index), startedMs: NOW_MS - 100_000 })),
      transfer({
        uploadId: 'failed',
        failure: { atMs: NOW_MS, reason: 'kms', detail: 'the key is disabled' },
      }),
    ],
    waiting: async () => 8_400,
    alarms: async () => [
      {
        alarm: 'deletes-paused',
        state: 'ALARM',
        since: '2026-11-30T13:50:00.000Z',
        description: '',
        command: 'npx s3-replicator brake status',
      },
    ],
  });
