/** Takes the screenshots of a page of the console, and looks for what keeps people from using it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../../../../demo/package-stack.ts';
import { axeFile, type Page } from './browser.ts';

/** The folder of the screenshots, which git ignores. */
export const SHOTS = join(REPOSITORY, '.browser', 'screenshots');

/**
 * Takes the screenshots of a page in both widths and colours. Resolves to the barriers that axe finds, and the elements that are wider than
 * the page.
 */
export const shoot = async (page: Page, name: string, { fullPage = true } = {}): Promise<unknown[]> => {
  const found: unknown[] = [];
  mkdirSync(SHOTS, { recursive: true });
  writeFileSync(join(SHOTS, `${name}.aria.yml`), await page.locator('body').ariaSnapshot());
  for (const width of [1280, 400])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(SHOTS, `${name}-${width}-${colorScheme}.png`), fullPage });
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
      if (wide > width) found.push(`${name} is ${wide} wide, and the page ${width}`);
      await page.evaluate(readFileSync(axeFile(), 'utf8'));
      const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
        "axe.run(document, { resultTypes: ['violations'] })",
      );
      found.push(
        ...violations.map(
          ({ id, nodes }) =>
            `${name} ${width} ${colorScheme}: ${id} ${nodes.map(({ html }) => html).join(' ')}`,
        ),
      );
    }
  return found;
};
