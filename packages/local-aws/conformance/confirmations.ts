/**
 * Records which behaviours the servers of other authors confirm. For the other behaviours, AWS's documents
 * are the only evidence, and a table lists them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './run.ts';
import type { NamedBehaviour } from './suite.ts';

interface Confirmations {
  /** By server, the names of the behaviours for which the server did what AWS documents. */
  servers: Record<string, string[]>;
  /** By behaviour, evidence other than the AWS document. Most behaviours have none. */
  evidence: Record<string, string>;
}

const FILE = new URL('confirmations.json', import.meta.url);

export const readConfirmations = (): Confirmations => JSON.parse(readFileSync(FILE, 'utf8')) as Confirmations;

/**
 * Records the results of a run against a server. They replace the results of earlier runs against the same
 * server.
 */
export const confirm = (server: string, results: readonly Result[]): void => {
  const { servers, evidence } = readConfirmations();
  const names = results.flatMap(({ name, verdict }) => (verdict === 'same' ? [name] : []));
  const kept = { servers: { ...servers, [server]: names.toSorted() }, evidence };
  writeFileSync(FILE, `${JSON.stringify(kept, null, 2)}\n`);
};

/** Returns a Markdown table of the behaviours that no server has confirmed. */
export const unconfirmedTable = (behaviours: readonly NamedBehaviour[]): string => {
  const { servers, evidence } = readConfirmations();
  const confirmed = new Set(Object.values(servers).flat());
  const rows = behaviours
    .filter(({ name }) => !confirmed.has(name))
    .map(
      ({ group, name, title, document }) =>
        `| ${group} | ${escaped(title)} | ${linkTo(document)} | ${evidence[name] ?? 'documented'} |`,
    );
  return ['| group | behaviour | AWS document | how sure |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  );
};

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*');

const linkTo = (document: string): string => {
  const page = document.replace(/^.*\//, '').replace(/\.html$/, '');
  return `[${page}](${document})`;
};
