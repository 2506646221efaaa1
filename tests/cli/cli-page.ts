/** The samples of docs/cli.md. `npx vitest run tests/cli -u` writes them anew. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from './run.ts';

/** A command line and what it prints. If the line is null, the text is what a command draws while it waits. */
export type Sample = [line: string | null, text: string];

const DOCUMENT = join(ROOT, 'docs/cli.md');

/** Expects that the page shows what the commands print. */
export const expectShown = async (samples: readonly Sample[]): Promise<void> => {
  const page = samples.reduce(withSample, readFileSync(DOCUMENT, 'utf8'));
  await expect(page).toMatchFileSnapshot(DOCUMENT);
};

/** Puts the text into the block of the command. To find the block, the id of a run and the line after a backslash are ignored. */
const withSample = (page: string, [line, text]: Sample): string => {
  const words =
    line === null ? '\\d{8}-\\d{6}-\\w{6} \\[' : `\\$ npx s3-replicator ${line.replace(/ \d{8}-.*/, ' ')}`;
  const block = new RegExp('```\\n' + words + '[^]*?\\n```\\n');
  const [found = ''] = block.exec(page) ?? [];
  expect(found, `a block for ${line}`).not.toBe('');
  const [, continued = ''] = /^```\n.* \\(\n.*)\n/.exec(found) ?? [];
  const command = line === null ? '' : `$ npx s3-replicator ${line}${continued && ` \\${continued}`}\n`;
  return page.replace(found, () => '```\n' + command + text.trimEnd() + '\n```\n');
};
