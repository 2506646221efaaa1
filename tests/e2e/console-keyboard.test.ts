/** The console without a mouse. The tests run with `CONSOLE=all` only, as in the soak. */
import { expect, test, vi } from 'vitest';
import { fill, sqs, startQueues, stopQueues } from '../cli/redrive-queues.ts';
import { createRunCommands } from '../cli/run-commands.ts';
import { crowded, open, page, useScenes } from './support/console/scenes.ts';

useScenes();

test('every page and dialog is used with the keyboard alone, the focus is seen, and returns after a dialog', async () => {
  await startQueues();
  try {
    using commands = createRunCommands({ source: {}, replica: {} });
    const scene = { sources: crowded(), runs: commands.ports, io: { now: () => sqs.nowMs } };
    const origin = await open(scene);
    fill(3);
    const pages = [
      ['/', '.rule'],
      ['/letters', '.problem'],
      ['/runs?start=verify', 'main .empty'],
      ['/key', 'main .empty'],
      ['/doctor', '.findings'],
    ] as const;
    for (const [path, shown] of pages) {
      // Nothing listens at this address, so doctor gets no answer and finds that there are no credentials.
      if (path === '/doctor') vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1');
      await page.goto(origin + path);
      await page.waitForSelector(shown);
      const wanted = await page.evaluate<number>(REACHABLE);
      const reached = await tabbed();
      expect({ path, reached: reached.size, hidden: [...reached.values()].filter((each) => !each) }).toEqual({
        path,
        reached: wanted,
        hidden: [],
      });
    }
    vi.stubEnv('AWS_ENDPOINT_URL', sqs.endpoint);
    await page.goto(`${origin}/letters?reason=kms`);
    await page.waitForSelector('.problem');
    await focusOn('Discard…');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog input');
    expect(await page.evaluate('document.activeElement.name')).toBe('typed');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.evaluate('document.querySelectorAll("dialog").length')).toBe(0);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Discard…');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog input');
    await page.keyboard.type('1');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog .done');
    expect(await page.evaluate("document.querySelector('dialog [aria-live] .done').textContent")).toContain(
      '1 of 1 dead letter deleted',
    );
    await page.keyboard.press('Escape');
    // The button has disappeared together with its letters, so the focus is on the part of the page that has changed.
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('main');
    await page.waitForSelector('main [aria-live] >> text=No dead letter matches');
  } finally {
    await stopQueues();
  }
});

/** Counts the elements that the Tab key has to reach. */
const REACHABLE = `[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
  .filter((each) => !each.disabled && each.checkVisibility()).length`;

/** Presses Tab until the focus has gone round. Resolves to the elements that had the focus, each with whether the page showed the focus. */
const tabbed = async (): Promise<Map<number, boolean>> => {
  const reached = new Map<number, boolean>();
  await page.evaluate('globalThis.seen = []');
  for (let press = 0; press < 200; press += 1) {
    await page.keyboard.press('Tab');
    const [index, isVisible] = await page.evaluate<[number, boolean]>(`(() => {
      const each = document.activeElement;
      if (each === document.body) return [-1, true];
      if (!seen.includes(each)) seen.push(each);
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return [seen.indexOf(each), outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1];
    })()`);
    if (index === -1 || reached.has(index)) break;
    reached.set(index, isVisible);
  }
  return reached;
};

/** Presses Tab until the element with this text has the focus. */
const focusOn = async (text: string): Promise<void> => {
  for (let press = 0; press < 100; press += 1) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate<string>('document.activeElement.textContent')) === text) return;
  }
  throw new Error(`nothing says ${text}`);
};
