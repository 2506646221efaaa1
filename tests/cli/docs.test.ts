import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CommandSpec } from '../../src/cli/terminal/command.ts';
import { BACKFILL_START } from '../../src/cli/runs/backfill-start.ts';
import { BRAKE_RELEASE } from '../../src/cli/brake/brake-release.ts';
import { BRAKE_STATUS } from '../../src/cli/brake/brake-status.ts';
import { CHECK } from '../../src/cli/config/config-check.ts';
import { DESTINATION } from '../../src/cli/config/config-destination.ts';
import { KEY } from '../../src/cli/config/config-key.ts';
import { POLICY } from '../../src/cli/config/config-policy.ts';
import { DISCARD } from '../../src/cli/dead-letters/dlq-discard.ts';
import { LIST } from '../../src/cli/dead-letters/dlq-list.ts';
import { REDRIVE } from '../../src/cli/dead-letters/dlq-redrive.ts';
import { EXIT } from '../../src/cli/terminal/io.ts';
import { INIT } from '../../src/cli/init/init.ts';
import { CANCEL, PAUSE, RESUME, RUNS, STATUS } from '../../src/cli/runs/run-control.ts';
import { VERIFY_START } from '../../src/cli/runs/verify-start.ts';
import { TRANSFERS } from '../../src/cli/transfers/transfers-list.ts';
import { WAITING_LIST } from '../../src/cli/waiting/waiting-list.ts';
import { WAITING_RETRY } from '../../src/cli/waiting/waiting-retry.ts';
import { ROOT } from './run.ts';

const cli = readFileSync(`${ROOT}docs/cli.md`, 'utf8');

const COMMANDS = [
  CHECK,
  DESTINATION,
  INIT,
  KEY,
  POLICY,
  DISCARD,
  LIST,
  REDRIVE,
  BACKFILL_START,
  STATUS,
  RUNS,
  PAUSE,
  RESUME,
  CANCEL,
  VERIFY_START,
  TRANSFERS,
  WAITING_LIST,
  WAITING_RETRY,
  BRAKE_STATUS,
  BRAKE_RELEASE,
];

test.each<CommandSpec>(COMMANDS)('docs/cli.md describes every option of $name', ({ name, options }) => {
  expect(cli).toContain(`## \`${name}\``);
  for (const option of Object.keys(options)) expect(cli).toMatch(new RegExp(`\`--${option}\\b`));
});

test('docs/cli.md gives every exit code', () => {
  for (const code of Object.values(EXIT)) expect(cli).toMatch(new RegExp(`\\| ${code} +\\|`));
});
