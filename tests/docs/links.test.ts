/**
 * Checks the links in the documents that guide a reader through the code. Each link must lead to an existing
 * file. If its text is the name of a piece of code, that file must export the name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const DOCUMENTS = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'tests/README.md',
  ...['docs', 'decisions'].flatMap((folder) =>
    readdirSync(folder).flatMap((name) => (name.endsWith('.md') ? [`${folder}/${name}`] : [])),
  ),
];

interface Link {
  text: string;
  target: string;
  /** The heading to which the link leads, as the link spells it. Null if the link names no heading. */
  anchor: string | null;
}

const linksIn = (document: string): Link[] =>
  [...readFileSync(document, 'utf8').matchAll(/\[([^\]]+)\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(
    ([, text = '', target = '', anchor = null]) => ({
      text,
      target: target === '' ? document : join(dirname(document), target),
      anchor,
    }),
  );

/** The anchors of the headings of a document, as GitHub makes them. */
const anchorsIn = (document: string): string[] =>
  [...readFileSync(document, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/**
 * Returns the code name in a link such as [`converge`](src/…). Returns null if the text is not the name of a
 * piece of code.
 */
const nameIn = ({ text, target }: Link): string | null =>
  target.endsWith('.ts') ? (/^`(\w+)`$/.exec(text)?.[1] ?? null) : null;

const exportsName = (file: string, name: string): boolean =>
  new RegExp(
    `^export (?:async )?(?:const|function|class|interface|type) ${name}\\b|^export (?:type )?\\{[^}]*\\b${name}\\b`,
    'm',
  ).test(readFileSync(file, 'utf8'));

/** The paths between backticks that begin with a folder of this repository. */
const pathsIn = (document: string): string[] =>
  [
    ...readFileSync(document, 'utf8').matchAll(
      /`((?:src|tests|docs|demo|bench|scripts|packages)\/[\w./-]+)`/g,
    ),
  ].map(([, path = '']) => path);

test.each(DOCUMENTS)('every path of this repository that %s names exists', (document) => {
  expect(pathsIn(document).filter((path) => !existsSync(path))).toEqual([]);
});

test.each(DOCUMENTS)('every link in %s leads to a file or folder that exists', (document) => {
  expect(linksIn(document).filter(({ target }) => !existsSync(target))).toEqual([]);
});

test.each(DOCUMENTS)('every heading that a link in %s names exists', (document) => {
  const wrong = linksIn(document).filter(
    ({ target, anchor }) =>
      anchor !== null && target.endsWith('.md') && existsSync(target) && !anchorsIn(target).includes(anchor),
  );
  expect(wrong).toEqual([]);
});

test('README.md has at most 8 KB, and docs/README.md lists every document', () => {
  expect(readFileSync('README.md').length).toBeLessThanOrEqual(8_192);
  const listed = linksIn('docs/README.md').map(({ target }) => target);
  expect(
    readdirSync('docs').filter(
      (name) => name.endsWith('.md') && name !== 'README.md' && !listed.includes(`docs/${name}`),
    ),
  ).toEqual([]);
});

test.each(DOCUMENTS)('every name of code that %s links is exported by the file of its link', (document) => {
  const wrong = linksIn(document).filter((link) => {
    const name = nameIn(link);
    return name !== null && existsSync(link.target) && !exportsName(link.target, name);
  });
  expect(wrong).toEqual([]);
});

test('ARCHITECTURE.md has at most 300 lines, and its table of rooms names every folder of src/lib and src/cli', () => {
  const text = readFileSync('ARCHITECTURE.md', 'utf8');
  expect(text.split('\n').length).toBeLessThanOrEqual(300);
  const rooms = readdirSync('src/lib').map((room) => `src/lib/${room}`);
  expect(rooms.filter((room) => !new RegExp(`\`${room}(?:/\\{[^}]+\\})?\``).test(text))).toEqual([]);
  const [, commands = ''] = /`src\/cli\/\{([^}]+)\}`/.exec(text) ?? [];
  const folders = readdirSync('src/cli', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect([...commands.split(','), 'console'].toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
});

test('docs/glossary.md has at most 60 lines', () => {
  expect(readFileSync('docs/glossary.md', 'utf8').split('\n').length).toBeLessThanOrEqual(60);
});
