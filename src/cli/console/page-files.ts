/** The files of the page. In the package they are beside the bundle; in the repository they are built at each start. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { STYLE } from '../../lib/runs/report/report-style.ts';

export interface PageFiles {
  /** The HTML of the page. The server replaces `{token}` and `{readOnly}` with its own values. */
  html: string;
  script: string;
  style: string;
}

const SOURCES = join(import.meta.dirname, 'page');
/** The folder of the built page, beside the bundle of the command line. */
const BUILT = join(import.meta.dirname, 'console');

/** How the page is bundled. */
export const PAGE_BUILD = {
  entryPoints: { page: join(SOURCES, 'main.tsx') },
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  legalComments: 'none',
} as const satisfies BuildOptions;

export const loadPage = async (): Promise<PageFiles> => {
  const isBuilt = existsSync(BUILT);
  const read = (name: string): string => readFileSync(join(isBuilt ? BUILT : SOURCES, name), 'utf8');
  const files = { html: read('page.html'), style: STYLE.html + read('page.css') };
  if (isBuilt) return { ...files, script: read('page.js') };
  const { build } = await import('esbuild');
  const { outputFiles } = await build({ ...PAGE_BUILD, write: false, outdir: BUILT });
  return { ...files, script: outputFiles[0]?.text ?? '' };
};
