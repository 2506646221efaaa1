/** The deployment that the console shows, and the access to it. */
import type { StatusPorts } from '../status/status.ts';
import type { ExplainPorts } from '../explain/explain.ts';
import type { RunPorts } from '../runs/run-ports.ts';
import type { ParsedOptions } from '../terminal/command.ts';
import type { CliIo } from '../terminal/io.ts';

export interface Deployed {
  io: CliIo;
  /** The options of the console itself. `argv` holds them as a command line for other commands. */
  options: ParsedOptions;
  argv: readonly string[];
  ports: { status: StatusPorts; runs: RunPorts; explain?: ExplainPorts };
}
