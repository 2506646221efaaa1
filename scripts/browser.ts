/**
 * Fetches the headless browser with which the console is tested, into `.browser`, which git ignores. `npm ci` does not fetch it, because it is
 * 70 MB that only these tests need.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../.browser');
const DEPENDENCIES = { 'playwright-core': '1.65.1', '@sparticuz/chromium': '153.0.0', 'axe-core': '4.14.1' };
const MANIFEST = `${JSON.stringify({ private: true, dependencies: DEPENDENCIES }, null, 2)}\n`;

const fetched = (): string => {
  try {
    return readFileSync(join(FOLDER, 'fetched.json'), 'utf8');
  } catch {
    return '';
  }
};

if (fetched() === MANIFEST) console.log('.browser is up to date');
else {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), MANIFEST);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], {
    cwd: FOLDER,
    stdio: 'inherit',
  });
  // Written last, so that an interrupted download is repeated.
  writeFileSync(join(FOLDER, 'fetched.json'), MANIFEST);
  console.log('.browser holds the headless browser');
}
