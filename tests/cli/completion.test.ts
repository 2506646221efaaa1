import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { run } from './run.ts';

const start = promisify(execFile);
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

let home = '';
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 's3-replicator-'));
  mkdirSync(join(home, '.aws'));
  writeFileSync(
    join(home, '.aws/config'),
    '[default]\n[profile corp]\n[sso-session corp]\n[profile archive]\n',
  );
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(join(home, shell), (await run(['completion', shell])).out);
});
afterAll(() => rmSync(home, { recursive: true }));

test('completion for another shell is refused', async () => {
  const { code, err } = await run(['completion', 'tcsh']);
  expect(code).toBe(2);
  expect(err).toContain('completion is for bash, zsh and fish, not "tcsh".');
});

describe.skipIf(!has('bash'))('Bash', () => {
  /** Completes the last word. Bash splits words at `=`, too. */
  const complete = async (...words: string[]): Promise<string[]> => {
    const program = [
      `source ${home}/bash`,
      'COMP_WORDS=("$@")',
      'COMP_CWORD=$(($# - 1))',
      '$(complete -p s3-replicator | cut -d" " -f3)',
      'printf "%s\\n" "${COMPREPLY[@]}"',
    ].join('; ');
    const { stdout } = await start(
      'bash',
      ['--norc', '-uc', program.replace('$(complete', 'eval $(complete'), 'bash', 's3-replicator', ...words],
      { env: { ...process.env, HOME: home }, cwd: home },
    );
    return stdout.trimEnd().split('\n');
  };

  test('completes every command and every option of the table', async () => {
    for (const { name, options } of ALL_COMMANDS) {
      const words = name.split(' ');
      expect(await complete(...words)).toContain(words.at(-1));
      if (Object.keys(options).length === 0) continue;
      const found = await complete(...words, '--');
      expect(found.toSorted()).toEqual(
        [...Object.keys(options), 'help'].map((each) => `--${each}`).toSorted(),
      );
    }
  });

  test.each([
    [['']],
    [['dlq', 'list', '--reason', 'km'], ['kms']],
    [['dlq', 'list', '--reason', '=', 'km'], ['kms']],
    [['dlq', 'list', '--reason', '='], undefined],
    [
      ['verify', 'start', '--wait', '--estimate', ''],
      ['sample', 'full', 'none'],
    ],
    [
      ['dlq', 'list', '--profile', ''],
      ['default', 'corp', 'archive'],
    ],
    [['config', 'check', '--config', 'zs'], ['zsh']],
    [['backfill', 'list', '--limit', ''], ['']],
    [['backfill', 'pause', '20261122-174334-k3f9bx', '--js'], ['--json']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish', '--help'],
    ],
    [
      ['help', 'waiting', ''],
      ['list', 'retry', '--help'],
    ],
  ])('completes %j', async (words: string[], expected?: string[]) => {
    const found = await complete(...words);
    if (expected === undefined) expect(found.length).toBeGreaterThan(5);
    else expect(found).toEqual(expected);
  });
});

describe.skipIf(!has('fish'))('fish', () => {
  test.each([
    ['s3-replicator dlq l', ['list']],
    ['s3-replicator verify start --estimate s', ['sample']],
    ['s3-replicator dlq list --js', ['--json']],
    ['s3-replicator dlq list --profile c', ['corp']],
  ])('completes %s', async (line, expected) => {
    const { stdout } = await start('fish', ['-c', `source ${home}/fish; complete -C '${line}'`], {
      env: { ...process.env, HOME: home },
    });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((each) => each.split('\t')[0]),
    ).toEqual(expected);
  });
});

test.skipIf(!has('zsh'))('the script for Zsh is loaded without an error', async () => {
  const { stderr } = await start('zsh', [
    '-fc',
    `autoload -U compinit; compinit -u -d ${home}/dump; source ${home}/zsh; print -l $_comps[s3-replicator]`,
  ]);
  expect(stderr).toBe('');
});
