/** The files of the page. In the package they are beside the bundle; in the repository they are built at each start. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';

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
  const script = isBuilt ? read('page.js') : await bundled();
  return { html: read('page.html'), script, style: read('page.css') };
};

const bundled = async (): Promise<string> => {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({ ...PAGE_BUILD, write: false, outdir: BUILT });
  return outputFiles[0]?.text ?? '';
};
