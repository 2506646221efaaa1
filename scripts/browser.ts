/**
 * Downloads the headless browser for the tests of the console into `.browser`, which git ignores. `npm ci` does not download the browser,
 * because it has 70 MB and only these tests need it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FOLDER = join(import.meta.dirname, '../.browser');
const DEPENDENCIES = { 'playwright-core': '1.65.1', '@sparticuz/chromium': '153.0.0', 'axe-core': '4.14.1' };
const MANIFEST = `${JSON.stringify({ private: true, dependencies: DEPENDENCIES }, null, 2)}\n`;

/**
 * The browser is unpacked here once, because unpacking takes seconds in every test. The package unpacks the browser into the folder of
 * temporary files.
 */
const unpack = async (): Promise<void> => {
  process.env['TMPDIR'] = FOLDER;
  const entry = createRequire(join(FOLDER, 'package.json')).resolve('@sparticuz/chromium');
  const { default: chromium }: { default: { executablePath(): Promise<string> } } = await import(
    pathToFileURL(entry).href
  );
  await chromium.executablePath();
};

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
  await unpack();
  // Written last, so that an interrupted download is repeated.
  writeFileSync(join(FOLDER, 'fetched.json'), MANIFEST);
  console.log('.browser holds the headless browser');
}
