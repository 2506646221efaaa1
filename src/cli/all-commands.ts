/** The table of all commands, as they are described to people and to shells. A command is imported only when it runs; see main.ts. */
import { BRAKE_RELEASE } from './brake/brake-release.ts';
import { BRAKE_STATUS } from './brake/brake-status.ts';
import { BUILD } from './build/build.ts';
import { CHECK } from './config/config-check.ts';
import { DESTINATION } from './config/config-destination.ts';
import { KEY } from './config/config-key.ts';
import { POLICY } from './config/config-policy.ts';
import { CONSOLE } from './console/console.ts';
import { SCHEMA } from './config/config-schema.ts';
import { CHECK_LETTERS } from './dead-letters/dlq-check.ts';
import { DISCARD } from './dead-letters/dlq-discard.ts';
import { LIST } from './dead-letters/dlq-list.ts';
import { REDRIVE } from './dead-letters/dlq-redrive.ts';
import { DOCTOR } from './doctor/doctor.ts';
import { EXPLAIN } from './explain/explain.ts';
import { INIT } from './init/init.ts';
import { BACKFILL_START } from './runs/backfill-start.ts';
import { LOGS } from './explain/logs.ts';
import { COPY } from './copy/copy.ts';
import { CANCEL, PAUSE, RESUME } from './runs/run-control.ts';
import { SET } from './runs/run-set.ts';
import { RUNS, STATUS } from './runs/run-show.ts';
import { DEPLOYMENT_STATUS } from './status/status.ts';
import { VERIFY_START } from './runs/verify-start.ts';
import type { CommandSpec } from './terminal/command.ts';
import { TRANSFERS } from './transfers/transfers-list.ts';
import { WAITING_LIST } from './waiting/waiting-list.ts';
import { WAITING_RETRY } from './waiting/waiting-retry.ts';
import { COMPLETION } from './completion/completion.ts';

export const ALL_COMMANDS: readonly CommandSpec[] = [
  BACKFILL_START,
  STATUS,
  RUNS,
  PAUSE,
  RESUME,
  CANCEL,
  SET,
  BRAKE_RELEASE,
  BRAKE_STATUS,
  BUILD,
  COMPLETION,
  COPY,
  CHECK,
  DESTINATION,
  KEY,
  POLICY,
  SCHEMA,
  CONSOLE,
  INIT,
  CHECK_LETTERS,
  DEPLOYMENT_STATUS,
  DISCARD,
  LIST,
  REDRIVE,
  DOCTOR,
  EXPLAIN,
  LOGS,
  TRANSFERS,
  WAITING_LIST,
  WAITING_RETRY,
  VERIFY_START,
];
