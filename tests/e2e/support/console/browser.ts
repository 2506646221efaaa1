/** Opens a headless browser, if `npm run browser` has downloaded one. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { REPOSITORY } from '../../../../demo/package-stack.ts';

const FOLDER = join(REPOSITORY, '.browser');

/**
 * The parts of a page of playwright-core that the tests use. They are declared here because playwright-core is not installed when the
 * tests are compiled.
 */
export interface Page {
  goto(url: string): Promise<unknown>;
  goBack(): Promise<unknown>;
  url(): string;
  click(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  press(selector: string, key: string): Promise<void>;
  selectOption(selector: string, value: string): Promise<unknown>;
  textContent(selector: string): Promise<string | null>;
  waitForSelector(selector: string, options?: { timeout?: number }): Promise<unknown>;
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(media: { colorScheme: 'light' | 'dark' }): Promise<void>;
  clock: { install(): Promise<void>; runFor(ms: number): Promise<void> };
  keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  locator(selector: string): { ariaSnapshot(): Promise<string> };
  evaluate<Result>(script: string): Promise<Result>;
  on(
    event: 'console' | 'pageerror' | 'request',
    listener: (found: { text?(): string; url?(): string }) => void,
  ): void;
}

export interface Browser extends AsyncDisposable {
  page: Page;
}

interface Playwright {
  chromium: {
    launch(options: object): Promise<{ newPage(options: object): Promise<Page>; close(): Promise<void> }>;
  };
}

/** The reason why the tests in a browser are skipped; null if they run. */
export const NO_BROWSER = existsSync(join(FOLDER, 'fetched.json'))
  ? null
  : 'there is no browser: run `npm run browser`';

const required = createRequire(join(FOLDER, 'package.json'));

export const openBrowser = async (): Promise<Browser> => {
  const { chromium }: Playwright = required('playwright-core');
  const launched = await chromium.launch({
    executablePath: join(FOLDER, 'chromium'),
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'],
    headless: true,
  });
  const page = await launched.newPage({ viewport: { width: 1280, height: 800 } });
  return { page, [Symbol.asyncDispose]: () => launched.close() };
};

/** Returns the script of axe-core, which finds barriers that keep people from using a page. */
export const axeFile = (): string => required.resolve('axe-core/axe.min.js');
