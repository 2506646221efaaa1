import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BACKFILL_START } from '../../src/cli/runs/backfill-start.ts';
import { LIST } from '../../src/cli/dead-letters/dlq-list.ts';
import { REDRIVE } from '../../src/cli/dead-letters/dlq-redrive.ts';
import { VERIFY_START } from '../../src/cli/runs/verify-start.ts';
import { ALL_REASONS, reasonEntry } from '../../src/lib/model/reasons.ts';
import { ROOT, run } from './run.ts';

afterEach(() => vi.unstubAllEnvs());

describe('help', () => {
  test.each([
    {
      argv: ['--help'],
      words: ['config check', 'dlq list', 'dlq redrive', '--version', '-h, --help', '130'],
    },
    { argv: ['dlq', '--help'], words: ['list', 'redrive'] },
    {
      argv: ['backfill', '--help'],
      words: [
        'start',
        'status',
        'list',
        'pause',
        'resume',
        'cancel',
        'Usage: s3-replicator backfill <command>',
      ],
    },
    {
      argv: ['backfill', 'start', '--help'],
      words: Object.keys(BACKFILL_START.options).map((name) => `--${name}`),
    },
    { argv: ['verify', 'start', '-h'], words: Object.keys(VERIFY_START.options).map((name) => `--${name}`) },
    {
      argv: ['help', 'backfill', 'pause'],
      words: ['Usage: s3-replicator backfill pause RUN [options]', 'Argument:', 'Exit codes:'],
    },
    { argv: ['dlq', 'list', '--help'], words: Object.keys(LIST.options).map((name) => `--${name}`) },
    { argv: ['dlq', 'redrive', '-h'], words: Object.keys(REDRIVE.options).map((name) => `--${name}`) },
    {
      argv: ['help', 'dlq', 'list'],
      words: ['Usage: s3-replicator dlq list [options]', 'Examples:', 'Exit codes:'],
    },
  ])('the help of $argv is complete', async ({ argv, words }) => {
    const { code, out, err } = await run(argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const word of words) expect(out).toContain(word);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  test('the help of dlq list names every reason of dead letters, and no reason that is retried', async () => {
    const { out } = await run(['dlq', 'list', '--help']);
    for (const reason of ALL_REASONS) {
      const dead = reasonEntry(reason).disposition === 'quarantine';
      expect(new RegExp(`[\\s,]${reason}[,.]`).test(out)).toBe(dead);
    }
  });

  test('without a command the help is printed on standard error with exit code 2', async () => {
    for (const argv of [[], ['dlq']]) {
      const { code, out, err } = await run(argv);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain('Usage:');
    }
  });
});

test('--version prints the version of the package', async () => {
  expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe('a wrong command line', () => {
  test.each([
    [['dql'], 'Unknown command: "dql" is not a command. Did you mean "dlq"?'],
    [['constructor'], 'Unknown command: "constructor" is not a command.'],
    [['dlq', 'lsit'], 'Unknown command: "lsit" is not a command of `dlq`. Did you mean "list"?'],
    [
      ['dlq', 'list', '--resaon=kms'],
      'Unknown option: `s3-replicator dlq list` has no option --resaon. Did you mean --reason?',
    ],
    [['dlq', 'list', '--toString'], 'Unknown option: `s3-replicator dlq list` has no option --toString.'],
    [['dlq', 'list', '-x'], 'Unknown option: `s3-replicator dlq list` has no option -x.'],
    [['--verison'], 'has no option --verison. Did you mean --version?'],
    [
      ['dlq', 'list', '--reason', 'acess-denied'],
      '--reason takes one of the values in its help, not "acess-denied". Did you mean access-denied?',
    ],
    [
      ['dlq', 'list', '--reason', 'throttled'],
      '--reason takes one of the values in its help, not "throttled".',
    ],
    [['dlq', 'list', '--limit', '0'], '--limit takes a whole number from 1 to 100000, not "0".'],
    [['dlq', 'list', '--limit', '1e3'], '--limit takes a whole number from 1 to 100000, not "1e3".'],
    [['dlq', 'redrive', '--max-rate=501'], '--max-rate takes a whole number from 1 to 500, not "501".'],
    [['dlq', 'list', '--limit'], '--limit needs a value'],
    [['dlq', 'list', '--prefix', '--json'], '--prefix needs a value'],
    [['dlq', 'list', '--json=yes'], '--json takes no value.'],
    [['dlq', 'list', 'all', 'of it'], '`s3-replicator dlq list` takes no argument "all".'],
    [['dlq', 'list', '--stage', '../x'], '--stage takes letters, digits and hyphens, not "../x".'],
    [['dlq', 'list', '--region', 'moon'], '--region takes a region like us-east-1, not "moon".'],
  ])('the wrong command line %j is refused with exit code 2 and a fix', async (argv, message) => {
    const { code, out, err } = await run(argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err).toMatch(/\nfix: .+\n$/);
  });
});

test('all mistakes of a command line are reported at once, each on its line', async () => {
  const argv = ['backfill', 'list', 'all', '--limt', '5', '--limit=0', '--stage', '../x', '--json=yes'];
  const { code, out, err } = await run([...argv, '--region']);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err.trimEnd().split('\n')).toEqual([
    's3-replicator: Unknown option: `s3-replicator backfill list` has no option --limt. Did you mean --limit?',
    's3-replicator: Bad option value: --limit takes a whole number from 1 to 1000, not "0".',
    's3-replicator: Bad option value: --stage takes letters, digits and hyphens, not "../x".',
    's3-replicator: Bad option value: --json takes no value.',
    expect.stringContaining('s3-replicator: Bad option value: --region needs a value'),
    's3-replicator: Unexpected argument: `s3-replicator backfill list` takes no argument "all".',
    'fix: Run the command with --help to see its options and their values.',
  ]);
});

test('a missing argument is reported together with other mistakes', async () => {
  const { err } = await run(['backfill', 'pause', '--json=yes']);
  expect(err).toContain('--json takes no value.\n');
  expect(err).toContain('Missing argument: `s3-replicator backfill pause` needs RUN');
});

test('the help is shown in spite of mistakes', async () => {
  expect(await run(['backfill', 'list', '--limit', '0', '--help'])).toMatchObject({ code: 0, err: '' });
});

describe('the configuration file', () => {
  const listIn = async (content: string | null) => {
    const cwd = mkdtempSync(join(tmpdir(), 's3-replicator-'));
    try {
      if (content !== null) writeFileSync(join(cwd, 'replication.yml'), content);
      vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
      vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
      return await run(['dlq', 'list'], { cwd });
    } finally {
      rmSync(cwd, { recursive: true });
    }
  };

  test('a missing configuration file is an error that says where to run the command', async () => {
    const { code, err } = await listIn(null);
    expect(code).toBe(1);
    expect(err).toMatch(/Configuration not readable: .*replication\.yml/);
    expect(err).toContain('name the file with --config');
  });

  test('a configuration file that is not YAML is refused with the line of the mistake', async () => {
    expect((await listIn('name: [\n')).err).toMatch(/replication\.yml:\d+: /);
  });

  test('a configuration file with an invalid name is refused', async () => {
    expect((await listIn('name: 9lives\n')).err).toContain('name is "9lives"');
  });

  test('dlq commands need only name and region of the configuration file, so mistakes in its rules do not matter', async () => {
    const { code, err } = await listIn('name: acme\nregion: eu-central-1\nrules: nonsense\n');
    expect(code).toBe(1);
    expect(err).toContain(
      'AWS cannot be reached: sqs:GetQueueUrl on queue acme-prod-live-dlq in eu-central-1',
    );
  });
});

test('a command without credentials says how to sign in', async () => {
  // Test files share a process, and some leave variables behind.
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  const { code, err } = await run(['dlq', 'list']);
  expect(code).toBe(1);
  expect(err).toContain('No AWS credentials');
  expect(err).toContain('fix: Sign in to the source account');
});

describe('the program', () => {
  const start = promisify(execFile);
  const script = `${ROOT}bin/s3-replicator.mjs`;
  const bundled = existsSync(`${ROOT}node_modules/node-${process.platform}-${process.arch}/bin/node`);

  test('the program runs a command and exits with its code', async () => {
    expect((await start(process.execPath, [script, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await expect(start(process.execPath, [script, 'dql'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean "dlq"?'),
    });
  });

  test.runIf(bundled)(
    'the program started by a Node that cannot run TypeScript continues with the Node that npm installed',
    async () => {
      const old = ['--no-experimental-strip-types', script];
      expect((await start(process.execPath, [...old, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      await expect(start(process.execPath, [...old, 'dql'])).rejects.toMatchObject({ code: 2 });
    },
  );
});
