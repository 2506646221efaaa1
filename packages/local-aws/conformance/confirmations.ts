/** The behaviours that servers by other authors also show. All other behaviours rest on AWS's documents alone and are listed. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './run.ts';
import type { NamedBehaviour } from './suite.ts';

interface Confirmations {
  /** Names of behaviours as documented, by server. */
  servers: Record<string, string[]>;
  /** Evidence for a behaviour besides its document, by the behaviour's name. */
  evidence: Record<string, string>;
}

const FILE = new URL('confirmations.json', import.meta.url);

export const readConfirmations = (): Confirmations => JSON.parse(readFileSync(FILE, 'utf8')) as Confirmations;

/** Records the results of a run in place of those of an earlier run against this server. */
export const confirm = (server: string, results: readonly Result[]): void => {
  const { servers, evidence } = readConfirmations();
  const names = results.flatMap(({ name, verdict }) => (verdict === 'same' ? [name] : []));
  const kept = { servers: { ...servers, [server]: names.toSorted() }, evidence };
  writeFileSync(FILE, `${JSON.stringify(kept, null, 2)}\n`);
};

/** A Markdown table of the behaviours that no server confirms. */
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
